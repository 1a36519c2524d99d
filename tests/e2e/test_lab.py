# SPDX-License-Identifier: BSD-2-Clause
"""The lab itself, without pfild: both topologies, both families, side by side, all or nothing, and no trace after."""
import os
import pathlib
import subprocess

import pytest

from harness.lab import LAB, lab_names, lab_script
from harness.ping import ping, unanswered

HOST_PATHS = [("cli", "fw", "ipv4"), ("cli", "fw", "ipv6"), ("fw", "cli", "ipv4"), ("fw", "cli", "ipv6")]
ROUTER_PATHS = HOST_PATHS + [("cli", "srv", "ipv4"), ("cli", "srv", "ipv6"), ("srv", "cli", "ipv4"), ("srv", "cli", "ipv6")]


def links_outside():
    return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout


def namespaces_of(lab_name):
    return [path.name for path in pathlib.Path("/run/netns").glob(f"pfild-{lab_name}-*")]


def assert_every_path_works(lab, paths):
    for source, target, family in paths:
        result = ping(getattr(lab, source), getattr(getattr(lab, target).eth0, family), count=5)
        assert (result.sent, result.lost, result.duplicates) == (5, 0, 0), (source, target, family)


@pytest.mark.parametrize("topology, paths", [("host", HOST_PATHS), ("router", ROUTER_PATHS)])
def test_every_host_reaches_every_other_in_both_families(make_lab, topology, paths):
    assert_every_path_works(make_lab(topology), paths)


def test_the_first_packet_after_up_is_answered_at_once(make_lab):
    result = ping(make_lab("router").cli, "2001:db8:2::1", count=1)
    assert result.lost == 0
    assert result.rtt_max_ms < 500  # a neighbour that has not answered at once is asked again after 1000


def test_two_labs_with_the_same_addresses_do_not_see_each_other(make_lab):
    one, other = make_lab("router"), make_lab("router")
    assert_every_path_works(one, ROUTER_PATHS)
    assert_every_path_works(other, ROUTER_PATHS)
    other.srv.run("ip", "link", "set", "eth0", "down")
    assert ping(one.cli, "198.51.100.1", count=5).lost == 0
    assert unanswered(other.cli, "198.51.100.1", count=5)


def test_a_host_lab_does_not_forward_and_a_router_lab_does(make_lab):
    forwarding = ["sysctl", "-n", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]
    assert make_lab("host").fw.run(*forwarding).stdout.split() == ["0", "0"]
    assert make_lab("router").fw.run(*forwarding).stdout.split() == ["1", "1"]


def test_offloads_are_those_that_the_kernel_gives_by_default(host_lab):
    features = host_lab.fw.run("ethtool", "-k", "eth0").stdout
    for feature in ("tx-checksumming", "tcp-segmentation-offload", "generic-segmentation-offload"):
        assert f"{feature}: on" in features


def test_nothing_changes_in_the_namespace_of_the_caller(make_lab):
    before = links_outside()
    lab = make_lab("router")
    assert links_outside() == before
    lab.close()
    assert links_outside() == before


def test_down_can_be_repeated_and_leaves_nothing(make_lab):
    lab = make_lab("router")
    assert len(namespaces_of(lab.name)) == 3
    for _ in range(3):
        lab_script("down", lab.name)
        assert namespaces_of(lab.name) == []
    assert lab.name not in lab_names()


def test_down_removes_the_links_but_does_not_end_the_process_of_another(make_lab):
    lab = make_lab("host")
    sleeper = lab.fw.popen("sleep", "60")
    inside = ["nsenter", f"--net=/proc/{sleeper.pid}/ns/net", "ip", "-o", "link"]
    assert "eth0" in subprocess.run(inside, capture_output=True, text=True, check=True).stdout
    lab.close()
    assert sleeper.running()
    assert "eth0" not in subprocess.run(inside, capture_output=True, text=True, check=True).stdout
    sleeper.close()


def test_up_of_a_lab_that_exists_is_refused_and_leaves_it_as_it_was(host_lab):
    refused = lab_script("up", host_lab.name, "--topology", "router", check=False)
    assert refused.returncode == 1
    assert refused.stderr == f"lab: up {host_lab.name}: there is such a lab already (scripts/lab down {host_lab.name})\n"
    assert_every_path_works(host_lab, HOST_PATHS)
    assert host_lab.srv is None and len(namespaces_of(host_lab.name)) == 2


@pytest.mark.parametrize("failing", ["netns add pfild-NAME-srv", "link add", "-n pfild-NAME-srv -6 route", "address add"])
def test_an_up_that_fails_half_way_leaves_nothing(make_lab, tmp_path, failing):
    lab = make_lab("host")  # only for a name that is ours
    lab.close()
    pattern = failing.replace("NAME", lab.name)
    (tmp_path / "ip").write_text(f'#!/bin/bash\n[[ "$*" != *"{pattern}"* ]] || exit 1\nexec /sbin/ip "$@"\n')
    (tmp_path / "ip").chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    failed = subprocess.run([LAB, "up", lab.name, "--topology", "router"], env=path, capture_output=True, check=False)
    assert failed.returncode != 0
    assert namespaces_of(lab.name) == []


def test_an_up_that_is_interrupted_leaves_nothing(make_lab, tmp_path):
    lab = make_lab("host")
    lab.close()
    # This ip asks for the interruption itself, so that it always comes in the middle.
    (tmp_path / "ip").write_text('#!/bin/bash\n[[ "$*" != *"link add"* ]] || kill -TERM $PPID\nexec /sbin/ip "$@"\n')
    (tmp_path / "ip").chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ended = subprocess.run([LAB, "up", lab.name], env=path, capture_output=True, check=False)
    assert ended.returncode == 130
    assert namespaces_of(lab.name) == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["up"], ["up", "../x"], ["up", "UPPER"], ["up", "x" * 25], ["up", "x", "--topology", "ring"],
     ["up", "x", "--topology"], ["down", "x", "y"], ["sh", "x", "dmz"], ["explode", "x"]],
)  # fmt: skip
def test_wrong_usage_is_exit_2_and_shows_the_usage(arguments):
    done = lab_script(*arguments, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: scripts/lab up NAME")


def test_sh_runs_a_command_in_the_host_that_was_asked_for(router_lab):
    for host in router_lab.hosts():
        role = host.namespace.rsplit("-", 1)[1]
        seen = lab_script("sh", router_lab.name, role, "--", "ip", "-o", "link", "show", "dev", "eth0").stdout
        assert host.eth0.mac in seen
    assert lab_script("sh", router_lab.name, "--", "false", check=False).returncode == 1
