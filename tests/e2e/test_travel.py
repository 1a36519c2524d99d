# SPDX-License-Identifier: BSD-2-Clause
"""An interface that goes to another namespace takes its heads along. There they do nothing, whatever index it has there, and when it
comes back they are removed."""
import contextlib
import json
import re
import signal

import pytest

from harness.judges import assert_ends_well, wait_until
from harness.occupants import all_heads, head_names, remove_head
from harness.ping import ping, unanswered
from harness.rules import guard

CLSACT = 'tc_attach = "clsact"\n'
BOTH_WAYS = pytest.mark.parametrize("config", ["", CLSACT], ids=["tcx", "clsact"])
ROUNDS = 50
INDEX = 700  # free in every namespace of a lab
HERE, THERE = "203.0.113.2", "203.0.113.1"


def make_traveller(lab, index=INDEX):
    """A veth in fw whose peer is in cli."""
    add = ["ip", "link", "add", "trav", "index", index, "type", "veth", "peer", "name", "far", "netns", lab.cli.namespace]
    lab.fw.run(*add)
    lab.cli.run("sh", "-c", f"ip addr add {THERE}/24 dev far && ip link set far up")


def arrive(host):
    """The traveller has arrived: address and neighbour as ever."""
    host.run("sh", "-c", f"ip addr add {HERE}/24 dev trav && ip link set trav up")


def send_to(source, target, interface="trav"):
    source.run("ip", "link", "set", interface, "netns", target.namespace)


def index_of(host, interface="trav"):
    return json.loads(host.run("ip", "-j", "link", "show", "dev", interface).stdout)[0]["ifindex"]


def keep_sending(lab):
    """Pings the traveller, wherever it is."""
    return lab.cli.popen("ping", "-n", "-q", "-i", "0.005", HERE)


def detached(daemon):
    return [one["name"] for one in daemon.bpfctl.json("status")["interfaces"]] == ["eth0"]


@BOTH_WAYS
def test_fifty_times_there_and_back_under_traffic(make_lab, start_pfild, config):
    lab, container = make_lab("host"), make_lab("host").fw
    daemon = start_pfild(lab.fw, config=config)
    daemon.bpfctl("attach", "eth0", "--unknown", "drop")
    guard(daemon, "cbpf:ping", "icmp", direction="i")
    make_traveller(lab)
    traffic = keep_sending(lab)
    for number in range(ROUNDS):
        arrive(lab.fw)
        daemon.bpfctl("attach", "trav", "--unknown", "drop")
        if number % 10 == 0:
            assert unanswered(lab.cli, HERE, count=3)
        send_to(lab.fw, container)
        arrive(container)
        assert index_of(container) == INDEX
        assert ping(lab.cli, HERE, count=3).lost == 0, (number, "black-holed in the container")
        assert wait_until(lambda: detached(daemon))
        send_to(container, lab.fw)
        assert wait_until(lambda: head_names(lab.fw, "trav") == []), (number, all_heads(lab.fw))
    arrive(lab.fw)
    assert ping(lab.cli, HERE, count=3).lost == 0
    traffic.signal(signal.SIGINT)
    traffic.wait()
    assert int(re.search(r"(\d+) received", traffic.stdout)[1]) > ROUNDS
    assert unanswered(lab.cli, "192.0.2.2", count=3), "the one that stayed is guarded"
    assert_ends_well(daemon)


@BOTH_WAYS
def test_in_a_namespace_where_it_has_the_index_of_another_attached_interface(make_lab, start_pfild, config):
    lab, container = make_lab("host"), make_lab("host").fw
    daemon = start_pfild(lab.fw, config=config)
    container.run("ip", "link", "add", "taken", "index", INDEX, "type", "veth", "peer", "name", "taken1")
    following = index_of(container, "taken1") + 1
    lab.fw.run("ip", "link", "add", "twin", "index", following, "type", "veth", "peer", "name", "twin1")
    make_traveller(lab)
    for interface in ("eth0", "twin", "trav"):
        daemon.bpfctl("attach", interface, "--unknown", "drop")
    guard(daemon, "cbpf:ping", "icmp", direction="i")
    send_to(lab.fw, container)
    arrive(container)
    assert index_of(container) == following, "the kernel gives the next free one"
    assert ping(lab.cli, HERE, count=20).lost == 0
    lanes = daemon.bpfctl.json("stats")["interfaces"]["twin"]["in"]
    assert lanes["diverted"] == lanes["dropped_unattended"] == 0, "nothing of it was counted there"
    assert_ends_well(daemon, "eth0", "twin")


@BOTH_WAYS
def test_heads_that_were_carried_away_do_nothing_when_the_daemon_has_ended(make_lab, start_pfild, config):
    lab, container = make_lab("host"), make_lab("host").fw
    daemon = start_pfild(lab.fw, config=config)
    make_traveller(lab)
    daemon.bpfctl("attach", "trav", "--unknown", "drop")
    send_to(lab.fw, container)
    assert wait_until(lambda: daemon.bpfctl.json("status")["interfaces"] == [])
    assert daemon.stop() == 0
    arrive(container)
    assert ping(lab.cli, HERE, count=20).lost == 0


@BOTH_WAYS
@pytest.mark.parametrize("ended", ["stopped", "killed"])
def test_a_daemon_removes_heads_that_an_interface_has_brought_along(make_lab, start_pfild, config, ended):
    lab, container = make_lab("host"), make_lab("host").fw
    daemon = start_pfild(lab.fw, config=config)
    make_traveller(lab)
    daemon.bpfctl("attach", "trav", "--unknown", "drop")
    there = start_pfild(container)
    daemon.kill9() if ended == "killed" else None
    send_to(lab.fw, container)
    assert wait_until(lambda: head_names(container, "trav") == []), there.current_log()
    if config != CLSACT:  # the kernel removes a clsact by itself
        assert re.search(f"trav: removed a head that nobody serves: .* of instance '{daemon.name}'", there.current_log())
    arrive(container)
    assert ping(lab.cli, HERE, count=20).lost == 0
    assert there.stop() == 0


def test_another_interface_with_the_index_of_one_that_is_gone_is_not_taken_for_it(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    make_traveller(host_lab)
    daemon.bpfctl("attach", "trav")
    host_lab.fw.run("sh", "-c", f"ip link del trav && ip link add other index {INDEX} type veth peer name other1")
    assert wait_until(lambda: daemon.bpfctl.json("status")["interfaces"] == [])
    assert head_names(host_lab.fw, "other") == []
    assert daemon.stop() == 0


@contextlib.contextmanager
def unheard(daemon, host):
    """Whatever happens to interfaces meanwhile: the daemon is never told, only that it was told too much to keep."""
    host.run("ip", "link", "add", "noise", "type", "veth", "peer", "name", "noise1")
    daemon.signal(signal.SIGSTOP)
    try:
        changes = "".join(f"link set noise mtu {1000 + number}\n" for number in range(2000))
        host.run("ip", "-batch", "-", stdin=changes)
        yield
    finally:
        daemon.signal(signal.SIGCONT)


@BOTH_WAYS
@pytest.mark.parametrize("name", ["trav", "other"])
def test_another_interface_is_told_from_one_that_has_left_unheard(host_lab, start_pfild, config, name):
    """It has the index, the address and even the name of the other, when the daemon looks at it."""
    fw = host_lab.fw
    daemon = start_pfild(fw, config=config)
    make_traveller(host_lab)
    daemon.bpfctl("attach", "trav", "--unknown", "drop")
    mac = json.loads(fw.run("ip", "-j", "link", "show", "dev", "trav").stdout)[0]["address"]
    with unheard(daemon, fw):
        add = f"ip link add {name} index {INDEX} address {mac} type veth peer name other1"
        fw.run("sh", "-c", f"ip link del trav && {add} && tc qdisc add dev {name} clsact")
    assert wait_until(lambda: daemon.bpfctl.json("status")["interfaces"] == []), daemon.current_log()
    assert "trav: the interface is gone, detached" in daemon.current_log()
    assert head_names(fw, name) == []
    assert "clsact" in fw.run("tc", "qdisc", "show", "dev", name).stdout, "it is not ours to remove"
    daemon.bpfctl("attach", name)
    assert daemon.stop() == 0


@pytest.mark.tc_only("an XDP program goes when its interface leaves")
def test_one_that_has_left_and_is_back_unheard_is_guarded(make_lab, start_pfild):
    lab, container = make_lab("host"), make_lab("host").fw
    daemon = start_pfild(lab.fw)
    make_traveller(lab)
    daemon.bpfctl("attach", "trav", "--unknown", "drop")
    guard(daemon, "cbpf:ping", "icmp", direction="i")
    with unheard(daemon, lab.fw):
        send_to(lab.fw, container)
        send_to(container, lab.fw)
        arrive(lab.fw)
    assert unanswered(lab.cli, HERE, count=5)
    assert wait_until(lambda: daemon.bpfctl.interface("trav")["state"] == "attached")
    assert "the interface is gone" not in daemon.current_log()
    assert_ends_well(daemon, "eth0", "trav")


def test_an_interface_that_leaves_a_bridge_has_not_left(host_lab, start_pfild):
    """The kernel announces it as it does what is deleted. The heads are away as well: they do not tell that it is still there."""
    fw = host_lab.fw
    daemon = start_pfild(fw)
    make_traveller(host_lab)
    fw.run("sh", "-c", "ip link add bridge type bridge && ip link set trav master bridge up")
    daemon.bpfctl("attach", "trav", "--unknown", "drop", "--mode", "tc")
    guard(daemon, "cbpf:ping", "icmp", direction="i")
    daemon.signal(signal.SIGSTOP)
    try:
        for side in ("ingress", "egress"):
            remove_head(fw, "trav", side)
        fw.run("ip", "link", "set", "trav", "nomaster")
    finally:
        daemon.signal(signal.SIGCONT)
    arrive(fw)
    assert wait_until(lambda: len(head_names(fw, "trav")) == 2), daemon.current_log()
    assert unanswered(host_lab.cli, HERE, count=5)
    assert "the interface is gone" not in daemon.current_log()
    assert_ends_well(daemon, "eth0", "trav")
