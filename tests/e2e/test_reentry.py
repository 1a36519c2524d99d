# SPDX-License-Identifier: BSD-2-Clause
"""What comes back from the engine, and what only says so: nobody but the re-entry gets past the rules, and nothing circles."""
import os

import pytest

from harness import forged
from harness.datagrams import Listener, send
from harness.erasing import erase_in_front
from harness.flow import UdpFlow, send_and_judge
from harness.judges import assert_balanced, assert_ends_well, wait_until
from harness.ping import ping
from harness.rules import guard

BLOCKED = 9
ROUNDS = int(os.environ.get("PFILD_FORGED_ROUNDS", "1"))
LEGITIMATE_PPS = 10_000


def start_guarding(start_pfild, host):
    """Every packet of eth0 goes through the engine, either way; UDP to port 9 ends there, each packet anew: it asks for lengths."""
    daemon = start_pfild(host)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:every-frame", "greater 0", kind="ethernet", on_match="count")
    for family, kind in (("ip", "inet"), ("ip6", "inet6")):
        guard(daemon, f"cbpf:blocked-{family}", f"udp dst port {BLOCKED} and greater 1", kind=kind)
    return daemon


def lane(daemon, direction, interface="eth0"):
    return daemon.bpfctl.json("stats")["interfaces"][interface][direction]


# One class for all


@pytest.mark.parametrize("address", ["192.0.2.2", "2001:db8:1::2"], ids=["ipv4", "ipv6"])
def test_a_container_that_classifies_what_it_sends_does_not_get_past_incoming_rules(router_lab, start_pfild, address):
    daemon = start_guarding(start_pfild, router_lab.fw)
    assert ping(router_lab.cli, address, count=2).lost == 0
    with Listener(router_lab.fw, BLOCKED) as listener:
        for minor in range(0x7000, 0x7004):
            forged.classify_all(router_lab.cli, f"{minor:x}")
            before = lane(daemon, "in")["engine_dropped"]
            send(router_lab.cli, address, count=10, port=BLOCKED)
            assert wait_until(lambda: lane(daemon, "in")["engine_dropped"] >= before + 10 or listener.heard())  # noqa: B023
            router_lab.cli.run("tc", "qdisc", "delete", "dev", "eth0", "clsact")
        assert listener.heard() == []
    assert_ends_well(daemon)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8:1::1"], ids=["ipv4", "ipv6"])
def test_a_container_that_classifies_what_is_forwarded_does_not_get_past_outgoing_rules(router_lab, start_pfild, address):
    daemon = start_guarding(start_pfild, router_lab.fw)
    assert ping(router_lab.srv, address, count=2).lost == 0
    with Listener(router_lab.cli, BLOCKED) as listener:
        for minor in range(0x7000, 0x7004):
            forged.classify_all(router_lab.srv, f"{minor:x}")
            before = lane(daemon, "out")["engine_dropped"]
            send(router_lab.srv, address, count=10, port=BLOCKED)
            assert wait_until(lambda: lane(daemon, "out")["engine_dropped"] >= before + 10 or listener.heard())  # noqa: B023
            router_lab.srv.run("tc", "qdisc", "delete", "dev", "eth0", "clsact")
        assert listener.heard() == []
    assert_ends_well(daemon)


# Every class, and all else that a container can set


def by_wire(lab):
    """From cli to fw: the rules of eth0 IN."""
    packet = forged.frame(lab.cli.eth0.mac, lab.fw.eth0.mac, "192.0.2.1", "192.0.2.2", BLOCKED)
    return lab.cli, "eth0", packet, lab.fw, "in"


def by_wire_ipv6(lab):
    packet = forged.frame(lab.cli.eth0.mac, lab.fw.eth0.mac, "2001:db8:1::1", "2001:db8:1::2", BLOCKED)
    return lab.cli, "eth0", packet, lab.fw, "in"


def forwarded(lab):
    """From srv by fw to cli: the rules of eth0 OUT."""
    packet = forged.frame(lab.srv.eth0.mac, lab.fw.eth1.mac, "198.51.100.1", "192.0.2.1", BLOCKED)
    return lab.srv, "eth0", packet, lab.cli, "out"


def by_macvlan(lab):
    """From a container whose interface is a macvlan of fw's eth0, to cli: the rules of eth0 OUT."""
    lab.fw.run("ip", "link", "add", "mv0", "link", "eth0", "address", "02:00:00:00:0a:01", "type", "macvlan", "mode", "private")
    lab.fw.run("ip", "link", "set", "mv0", "netns", lab.srv.namespace)
    lab.srv.run("ip", "link", "set", "mv0", "up")
    packet = forged.frame("02:00:00:00:0a:01", lab.cli.eth0.mac, "192.0.2.9", "192.0.2.1", BLOCKED)
    return lab.srv, "mv0", packet, lab.cli, "out"


@pytest.mark.parametrize("way", [by_wire, by_wire_ipv6, forwarded, by_macvlan], ids=lambda way: way.__name__)
def test_no_value_of_any_field_gets_past_the_rules_and_what_really_comes_back_does(router_lab, start_pfild, way):
    daemon = start_guarding(start_pfild, router_lab.fw)
    sender, interface, packet, target, direction = way(router_lab)
    ends = (router_lab.cli, router_lab.fw, "192.0.2.2") if direction == "in" else (router_lab.fw, router_lab.cli, "192.0.2.1")
    for host in (router_lab.cli, router_lab.srv):
        assert ping(host, "192.0.2.2", count=2).lost == 0
    forged.classify_by_source_port(sender, interface)
    with Listener(target, BLOCKED) as listener:
        for number in range(ROUNDS):
            before = lane(daemon, direction)
            flow = UdpFlow(*ends, rate_pps=LEGITIMATE_PPS, count=600 * LEGITIMATE_PPS, port=9000)
            forging = forged.start(sender, packet, interface)
            assert forging.wait(100) == 0, forging.stderr
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


# Somebody in front rewrites what the re-entry has written


@pytest.mark.parametrize("fields", [("mark",), ("tc_index",), ("cb",)], ids=lambda fields: "+".join(fields))
def test_a_program_in_front_that_rewrites_one_field_costs_no_packet_that_comes_in(host_lab, start_pfild, fields):
    daemon = start_guarding(start_pfild, host_lab.fw)
    erase_in_front(host_lab.fw, "ingress", *fields)
    result = ping(host_lab.cli, "192.0.2.2", count=50)
    assert (result.lost, result.duplicates) == (0, 0)
    assert lane(daemon, "in")["dropped_stamp"] == 0
    assert_balanced(daemon)


@pytest.mark.parametrize("side, fields", [("ingress", ("mark", "cb")), ("ingress", ("tc_index", "mark")), ("egress", ("cb",))])
def test_what_has_lost_most_of_its_stamp_is_dropped_at_once_and_counted_and_said_once(host_lab, start_pfild, side, fields):
    daemon = start_guarding(start_pfild, host_lab.fw)
    direction = {"ingress": "in", "egress": "out"}[side]
    erase_in_front(host_lab.fw, side, *fields)
    before = lane(daemon, direction)
    ends = (host_lab.cli, host_lab.fw, "192.0.2.2") if side == "ingress" else (host_lab.fw, host_lab.cli, "192.0.2.1")
    result = send_and_judge(*ends, rate_pps=200, count=100)
    assert result.received == 0
    went = lane(daemon, direction)
    assert went["dropped_stamp"] - before["dropped_stamp"] >= 100
    assert went["diverted"] - before["diverted"] < 200  # once each; and what the stacks say by themselves
    assert wait_until(lambda: "a part of pfild's stamp" in daemon.current_log())
    send(ends[0], ends[2], count=10, port=7)
    assert wait_until(lambda: lane(daemon, direction)["dropped_stamp"] >= went["dropped_stamp"] + 10)
    assert daemon.current_log().count("a part of pfild's stamp") == 1
    assert_balanced(daemon)


@pytest.mark.parametrize("side", ["ingress", "egress"])
def test_what_circles_without_any_stamp_is_found_and_ended_and_others_go_on(host_lab, start_pfild, side):
    daemon = start_guarding(start_pfild, host_lab.fw)
    direction = {"ingress": "in", "egress": "out"}[side]
    erase_in_front(host_lab.fw, side, "mark", "tc_index", "cb", ports=[7])
    ends = (host_lab.cli, host_lab.fw, "192.0.2.2") if side == "ingress" else (host_lab.fw, host_lab.cli, "192.0.2.1")
    flow = UdpFlow(*ends, rate_pps=500, count=500 * 100, port=9000)
    send(ends[0], ends[2], count=20, port=7)
    assert wait_until(lambda: lane(daemon, direction)["engine_dropped_circling"] >= 20, timeout_s=20), lane(daemon, direction)
    assert "packets circle" in daemon.current_log()

    def is_quiet():
        before = lane(daemon, direction)["diverted"]
        return not wait_until(lambda: lane(daemon, direction)["diverted"] > before + 2_000, timeout_s=1)

    assert is_quiet()  # 500 in that time
    result = flow.finish(early=True)
    assert result.clean() or result.clean_behind_sender(), (result, lane(daemon, direction))
    assert lane(daemon, direction)["engine_dropped_circling"] == 20
    assert_balanced(daemon)


def test_equal_packets_are_not_taken_for_one_that_circles(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
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
