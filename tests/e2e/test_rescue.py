# SPDX-License-Identifier: BSD-2-Clause
"""`bpfctl rescue`: what a killed daemon has left goes without another daemon, and nothing else does. At which moment it was killed
does not matter: test_rescue_kills.

With -N, so that what other tests have killed stays for them.
"""
import json
import signal
import subprocess

import pytest

from harness.apart import Apart
from harness.judges import assert_ends_well, left_behind, wait_until
from harness.occupants import all_heads, put_in_front, take_away, tcx_programs
from harness.pfild import TEST_MODE
from harness.ping import ping, unanswered
from harness.process import Process
from harness.programs import program
from harness.rules import guard

CLSACT = 'tc_attach = "clsact"\n'
BOTH_WAYS = pytest.mark.parametrize("config", ["", CLSACT], ids=["tcx", "clsact"])
HEADS = ["pfild_in", "pfild_in_xdp", "pfild_out"] if TEST_MODE == "xdp" else ["pfild_in", "pfild_out"]


def killed(start_pfild, host, *interfaces, config=""):
    daemon = start_pfild(host, config=config)
    for interface in interfaces:
        daemon.bpfctl("attach", interface, "--unknown", "drop")
    daemon.kill9()
    return daemon


@BOTH_WAYS
def test_it_waits_until_the_last_beat_is_old_and_packets_pass_then(host_lab, start_pfild, config):
    daemon = killed(start_pfild, host_lab.fw, "eth0", config=config)
    assert unanswered(host_lab.cli, "192.0.2.2")
    done = daemon.bpfctl.run("rescue", "--all")
    assert (done.returncode, done.stderr) == (0, "") and "head eth0" in done.stdout, done
    assert left_behind(daemon) == [] and all_heads(host_lab.fw) == {}
    assert ping(host_lab.cli, "192.0.2.2").lost == 0
    assert daemon.bpfctl("rescue", "--all") == "no dead instance has left anything\n"


def test_what_is_killed_just_now_is_not_old_yet(host_lab, start_pfild):
    daemon = killed(start_pfild, host_lab.fw, "eth0")
    waiting = Process([program("pfild"), "--rescue", "--name", daemon.name])
    daemon.start()  # takes over before the beat is old
    assert waiting.wait() == 0 and f"instance '{daemon.name}' (process {daemon.pid}) " in waiting.stdout, waiting.stdout
    waiting.close()
    assert all_heads(host_lab.fw) == {"eth0": HEADS}
    assert_ends_well(daemon)


def test_force_does_not_wait_and_warns(host_lab, start_pfild):
    daemon = killed(start_pfild, host_lab.fw, "eth0")
    done = daemon.bpfctl.run("--json", "rescue", "--all", "--force")
    assert done.returncode == 0 and "--force: the last beat is" in done.stderr, done
    assert all_heads(host_lab.fw) == {}


def test_json_says_what_went_and_what_stayed(router_lab, start_pfild):
    dead, living = killed(start_pfild, router_lab.fw, "eth0"), start_pfild(router_lab.fw)
    living.bpfctl("attach", "eth1")
    said = dead.bpfctl.json("rescue", "--all")
    assert said["kept"] == [] and said["warnings"] == []
    assert {one["instance"] for one in said["removed"]} == {dead.name}
    assert [one["object"] for one in said["removed"] if one["what"] == "head"] == ["eth0"] * len(HEADS)
    folders = {one["what"]: one["object"] for one in said["removed"] if one["what"] != "head"}
    assert folders == {"pins": str(dead.pin_folder), "folder": str(dead.run_folder)}
    (kept,) = living.bpfctl.json("rescue", "--all")["kept"]
    assert kept["instance"] == living.name and f"(process {living.pid}) lives" in kept["why"]
    assert_ends_well(living, "eth1")


def test_what_bpfctl_did_has_ended_as_after_a_stop(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    guard(daemon)
    daemon.bpfctl("attach", "eth0")
    assert wait_until((daemon.state_folder / "confirmed").exists)
    daemon.kill9()
    daemon.bpfctl("rescue", "--all", "--force")
    daemon.start()
    assert daemon.bpfctl.json("hooks")["count"] == 0 and all_heads(host_lab.fw) == {}
    assert daemon.stop() == 0


@pytest.mark.parametrize("signals", [[], [signal.SIGSTOP]], ids=["running", "stopped"])
@pytest.mark.parametrize("lock", ["there", "deleted"])
def test_what_lives_is_left_alone_whatever_its_lock_and_beat_say(host_lab, start_pfild, lock, signals):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    if lock == "deleted":
        (daemon.run_folder / "lock").unlink()
    for number in signals:
        daemon.signal(number)
    before = all_heads(host_lab.fw), sorted(daemon.pin_folder.iterdir())
    for words in (["--all", "--force"], ["--all"]):
        said = daemon.bpfctl("rescue", *words)
        assert f"instance '{daemon.name}': left alone: " in said and "removed" not in said, said
    assert "has a head there" in daemon.bpfctl.refused("rescue", "eth0", "--force").line
    for number in signals:
        daemon.signal(signal.SIGCONT)
    assert (all_heads(host_lab.fw), sorted(daemon.pin_folder.iterdir())) == before
    assert daemon.bpfctl.interface("eth0")["state"] == "attached"
    assert_ends_well(daemon)


def test_of_two_dead_instances_only_the_one_that_is_named(router_lab, start_pfild):
    one, other = killed(start_pfild, router_lab.fw, "eth0"), killed(start_pfild, router_lab.fw, "eth1")
    assert other.name not in one.bpfctl("rescue", "--all", "--force")
    assert all_heads(router_lab.fw) == {"eth1": HEADS} and left_behind(one) == []
    assert one.bpfctl("rescue", "eth1") == "no dead instance has left anything\n", "that is not of this instance"
    assert other.run_folder.exists() and other.pin_folder.exists()
    other.bpfctl("rescue", "--all", "--force")
    assert all_heads(router_lab.fw) == {} and left_behind(other) == []


@pytest.mark.parametrize("name", ["wan", "w" * 127], ids=["short", "long"])
def test_an_interface_by_an_alternative_name(host_lab, start_pfild, name):
    host_lab.fw.run("ip", "link", "property", "add", "dev", "eth0", "altname", name)
    daemon = killed(start_pfild, host_lab.fw, "eth0")
    assert "head eth0" in daemon.bpfctl("rescue", name, "--force")
    assert all_heads(host_lab.fw) == {}
    daemon.start()
    assert daemon.bpfctl.interface("eth0")["state"] == "attached", "its model was to stay"
    assert_ends_well(daemon)


class Unnamed:
    """A network namespace that only a process leads to."""

    def __init__(self):
        self.process = Process(["unshare", "--net", "sh", "-c", "echo there && exec sleep 1000"])
        self.process.wait_for_output("there")

    def run(self, *words, check=True):
        return subprocess.run(
            ["nsenter", f"--target={self.process.pid}", "--net", *map(str, words)], capture_output=True, text=True, check=check
        )


def test_an_interface_that_has_left_for_a_namespace_without_a_name(host_lab, start_pfild):
    daemon, unnamed = killed(start_pfild, host_lab.fw, "eth0"), Unnamed()
    host_lab.fw.run("ip", "link", "set", "eth0", "netns", unnamed.process.pid)
    brought = all_heads(unnamed)
    assert "pfild_out" in brought["eth0"]
    assert daemon.bpfctl.json("rescue", "--all", "--force")["warnings"] != [], "that it did not wait"
    assert all_heads(unnamed) == {} and daemon.left_behind() == []
    unnamed.process.close()


def test_without_the_bpf_file_system_heads_go_and_it_says_that_something_stays(host_lab, start_pfild):
    daemon = killed(start_pfild, host_lab.fw, "eth0")
    without = ["unshare", "--mount", "sh", "-c", 'umount --lazy /sys/fs/bpf && exec "$@"', "sh"]
    said = daemon.bpfctl.run("rescue", "--all", "--force", started_by=without)
    assert said.returncode == 0 and f"programs of instance '{daemon.name}' are in the kernel still" in said.stderr, said
    assert all_heads(host_lab.fw) == {} and daemon.pin_folder.exists()
    assert daemon.bpfctl.json("rescue", "--all", "--force")["removed"] == [
        {"what": "pins", "object": str(daemon.pin_folder), "instance": daemon.name}
    ]
    assert not daemon.run_folder.exists()


def test_without_root_it_says_so_and_does_nothing(host_lab, start_pfild):
    daemon = killed(start_pfild, host_lab.fw, "eth0")
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    said = daemon.bpfctl.run("rescue", "--all", "--force", started_by=as_nobody)
    assert said.returncode == 1 and said.stdout == "" and "CAP_" in said.stderr and said.stderr.count("\n") == 1, said
    said = daemon.bpfctl.run("--json", "rescue", "--all", started_by=as_nobody)
    assert json.loads(said.stdout or said.stderr)["error"]["errno"] == "EPERM", said
    assert all_heads(host_lab.fw) == {"eth0": HEADS}
    daemon.bpfctl("rescue", "--all", "--force")


def test_an_interface_alone_and_what_lives_is_refused(router_lab, start_pfild):
    daemon = killed(start_pfild, router_lab.fw, "eth0", "eth1")
    daemon.bpfctl("rescue", "eth0", "--force")
    assert all_heads(router_lab.fw) == {"eth1": HEADS}
    daemon.start()
    assert daemon.bpfctl.interface("eth1")["state"] == "attached"
    before = all_heads(router_lab.fw)
    for words in (["eth1"], ["eth1", "--force"]):
        refusal = daemon.bpfctl.refused("rescue", *words)
        assert refusal.exit_code == 1 and f"instance '{daemon.name}' (process {daemon.pid})" in refusal.line, refusal
    assert f"instance '{daemon.name}': left alone" in daemon.bpfctl("rescue", "--all", "--force")
    assert all_heads(router_lab.fw) == before and daemon.running()
    assert daemon.bpfctl.refused("rescue", "nowhere").exit_code == 1
    for words in ([], ["eth0", "--all"]):
        assert daemon.bpfctl.refused("rescue", *words).exit_code == 2
    assert_ends_well(daemon, "eth0", "eth1")


def test_programs_of_others_with_our_names_stay(host_lab, start_pfild):
    daemon = killed(start_pfild, host_lab.fw, "eth0")
    ours = tcx_programs(host_lab.fw)
    for side, name in (("ingress", "pfild_in"), ("egress", "pfild_out")):
        put_in_front(host_lab.fw, "eth0", side, name, -1)
    foreign = [one for one in tcx_programs(host_lab.fw) if one not in ours]
    host_lab.fw.run("ip", "link", "add", "pfp77", "type", "veth", "peer", "name", "pfq77")
    host_lab.fw.run("ip", "link", "set", "pfp77", "alias", f"pfild {daemon.name}: port of eth0")
    daemon.bpfctl("rescue", "--all", "--force")
    left = tcx_programs(host_lab.fw)
    assert sorted(one["name"] for one in left) == ["pfild_in", "pfild_out"] and left == foreign
    assert host_lab.fw.run("ip", "link", "show", "dev", "pfp77").returncode == 0
    for name in ("pfild_in", "pfild_out"):
        take_away(host_lab.fw, "eth0", name)


def test_a_living_instance_of_that_name_in_other_mount_and_pid_namespaces_is_left_alone(router_lab, start_pfild):
    daemon = killed(start_pfild, router_lab.fw, "eth0")
    apart = Apart(router_lab.fw, daemon.name)
    assert apart.run("attach", "eth1", "--mode", "tc").returncode == 0
    said = daemon.bpfctl("rescue", "--all", "--force")
    assert "of another PID namespace) lives" in said, said
    assert all_heads(router_lab.fw) == {"eth1": ["pfild_in", "pfild_out"]}
    assert apart.run("stats").returncode == 0
    assert "lives" in daemon.bpfctl("rescue", "--all", "--force")
    assert all_heads(router_lab.fw) == {"eth1": ["pfild_in", "pfild_out"]}
    apart.kill9()
    daemon.bpfctl("rescue", "--all", "--force")
    assert all_heads(router_lab.fw) == {}
