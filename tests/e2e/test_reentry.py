# SPDX-License-Identifier: BSD-2-Clause
"""Nobody but what comes back from the engine gets past the rules, whatever fields a container writes, and none of it is lost."""
import os

import pytest

from harness import forged
from harness.container import OwnUser, write_every_field
from harness.datagrams import Listener
from harness.flow import UdpFlow
from harness.judges import assert_balanced, assert_ends_well, wait_until
from harness.ping import ping
from harness.rules import lane, start_asking

BLOCKED = 9
ROUNDS = int(os.environ.get("PFILD_FORGED_ROUNDS", "1"))
FORGED_PPS = int(os.environ.get("PFILD_FORGED_PPS", "16000"))  # fewer on an emulated machine
LEGITIMATE_PPS = FORGED_PPS * 10 // 16


# From where: (who sends, by which interface, what, to whom, which rules are in the way). `own`: a container with its own user namespace.


def by_wire(lab, own, source="192.0.2.1", address="192.0.2.2"):
    """From cli to fw: the rules of eth0 IN."""
    if own:
        own.take(lab.cli, "eth0", "192.0.2.1/24", "2001:db8:1::1/64")
    packet = forged.frame(lab.cli.eth0.mac, lab.fw.eth0.mac, source, address, BLOCKED)
    return own or lab.cli, "eth0", packet, lab.fw, "in"


def by_wire_ipv6(lab, own):
    return by_wire(lab, own, "2001:db8:1::1", "2001:db8:1::2")


def forwarded(lab, own, source="198.51.100.1", address="192.0.2.1"):
    """From srv by fw to cli: the rules of eth0 OUT."""
    if own:
        own.take(lab.srv, "eth0", "198.51.100.1/24", "2001:db8:2::1/64")
    packet = forged.frame(lab.srv.eth0.mac, lab.fw.eth1.mac, source, address, BLOCKED)
    return own or lab.srv, "eth0", packet, lab.cli, "out"


def forwarded_ipv6(lab, own):
    return forwarded(lab, own, "2001:db8:2::1", "2001:db8:1::1")


def by_macvlan(lab, own):
    """From a container whose interface is a macvlan of fw's eth0, to cli: the rules of eth0 OUT."""
    mac = "02:00:00:00:0a:01"
    lab.fw.run("ip", "link", "add", "mv0", "link", "eth0", "address", mac, "type", "macvlan", "mode", "private")
    container = own or lab.srv
    lab.fw.run("ip", "link", "set", "mv0", "netns", container.namespace)
    container.run("ip", "link", "set", "mv0", "up")
    return container, "mv0", forged.frame(mac, lab.cli.eth0.mac, "192.0.2.9", "192.0.2.1", BLOCKED), lab.cli, "out"


WITH_ITS_OWN_USER = [by_wire, by_wire_ipv6, forwarded, by_macvlan]
WITH_A_PROGRAM = [by_wire, forwarded_ipv6, by_macvlan]


@pytest.fixture
def own(router_lab):
    container = OwnUser(router_lab.srv, router_lab.srv.eth0)
    yield container
    container.close()


def assert_all_kept_out(daemon, way, lab):
    """While others come back."""
    sender, interface, packet, target, direction = way
    cli = sender if direction == "in" else lab.cli
    ends = (cli, lab.fw, "192.0.2.2") if direction == "in" else (lab.fw, cli, "192.0.2.1")
    assert ping(cli, "192.0.2.2", count=2).lost == 0
    assert ping(lab.fw, lab.cli.eth0.ipv6, count=2).lost == 0  # neighbours know each other
    with Listener(target, BLOCKED) as listener:
        for number in range(ROUNDS):
            before = lane(daemon, direction)
            flow = UdpFlow(*ends, rate_pps=LEGITIMATE_PPS, count=600 * LEGITIMATE_PPS, port=9000)
            forging = forged.start(sender, packet, interface, rate_pps=FORGED_PPS)
            assert forging.wait(20 + 2 * forged.VALUES // FORGED_PPS) == 0, forging.stderr
            result = flow.finish(early=True)
            after = lane(daemon, direction)
            went = {what: after[what] - before[what] for what in after}
            assert listener.heard() == [], (number, went)
            assert result.clean() or result.clean_behind_sender(), (number, result, went)
            assert went["reentered"] >= result.received > 0
            stopped = went["engine_dropped"] + went["dropped_stamp"]
            assert stopped >= forged.VALUES * 0.99, (number, went)  # that they came at all: a veth may drop some
            if direction == "out":
                assert went["dropped_stamp"] == 0  # a class is nothing that only the engine's packets have
    assert_ends_well(daemon)


@pytest.mark.parametrize("way", WITH_ITS_OWN_USER, ids=lambda way: way.__name__)
def test_no_value_of_any_field_gets_past_the_rules_and_what_really_comes_back_does(router_lab, start_pfild, own, way):
    """By all that needs no right outside: classes of classic BPF, and options of a packet socket."""
    way = way(router_lab, own)
    daemon = start_asking(start_pfild, router_lab.fw, BLOCKED)
    forged.classify_by_source_port(*way[:2])
    assert_all_kept_out(daemon, way, router_lab)


@pytest.mark.parametrize("way", WITH_A_PROGRAM, ids=lambda way: way.__name__)
def test_no_value_of_any_field_that_a_program_writes_gets_past_the_rules(router_lab, start_pfild, tmp_path, way):
    """Of a container that may load one."""
    way = way(router_lab, None)
    daemon = start_asking(start_pfild, router_lab.fw, BLOCKED)
    write_every_field(way[0], tmp_path, way[1])
    assert_all_kept_out(daemon, way, router_lab)


def test_equal_packets_are_not_taken_for_one_that_circles(host_lab, start_pfild):
    daemon = start_asking(start_pfild, host_lab.fw, BLOCKED)
    cli, fw = host_lab.cli, host_lab.fw
    equal = forged.frame(cli.eth0.mac, fw.eth0.mac, "192.0.2.1", "192.0.2.2", 7)
    to_all = forged.frame(cli.eth0.mac, "ff:ff:ff:ff:ff:ff", "192.0.2.1", "192.0.2.255", 7)
    before = lane(daemon, "in")
    storms = [forged.start(cli, packet, step=0, count=40_000, rate_pps=10_000) for packet in (equal, to_all)]
    for storm in storms:
        assert storm.wait(60) == 0, storm.stderr
    assert wait_until(lambda: lane(daemon, "in")["reentered"] - before["reentered"] >= 79_000), lane(daemon, "in")
    assert lane(daemon, "in")["engine_dropped_circling"] == 0
    assert "packets circle" not in daemon.current_log()
    assert_balanced(daemon)
