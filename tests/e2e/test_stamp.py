# SPDX-License-Identifier: BSD-2-Clause
"""A part of what the re-entry writes into a packet, by a container or left by somebody in front: it leads past no rule, costs nothing
that is whole enough, and makes nothing circle. Every value of every field: test_reentry.py."""
import pytest
from scapy.all import IP, UDP, Ether, IPv6, Raw

from harness import forged
from harness.container import send_back_with_metadata
from harness.datagrams import Listener, send
from harness.erasing import erase_in_front
from harness.flow import UdpFlow, send_and_judge
from harness.frames import FramePort
from harness.judges import assert_balanced, assert_ends_well, wait_until
from harness.ping import ping
from harness.rules import lane, start_asking

BLOCKED, OPEN = 9, 10
COUNT = 100


# One class for all


@pytest.mark.parametrize("address", ["192.0.2.2", "2001:db8:1::2"], ids=["ipv4", "ipv6"])
def test_a_container_that_classifies_what_it_sends_does_not_get_past_incoming_rules(router_lab, start_pfild, address):
    daemon = start_asking(start_pfild, router_lab.fw, BLOCKED)
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
    daemon = start_asking(start_pfild, router_lab.fw, BLOCKED)
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


# Metadata in front of a packet, which XDP heads and the TC head behind them speak by


def sent_back(lab, family, port, direction):
    """What fw sends to a container for it to send back, and to be for `port`: of fw itself (in), or of cli by fw (out)."""
    v4 = family == "ipv4"
    near, far = (lab.fw.eth0, lab.cli.eth0) if direction == "in" else (lab.fw.eth1, lab.srv.eth0)
    target = near if direction == "in" else lab.cli.eth0
    network = IP(src=target.ipv4, dst=far.ipv4) if v4 else IPv6(src=target.ipv6, dst=far.ipv6)
    for number in range(COUNT):
        yield Ether(src=near.mac, dst=far.mac) / network / UDP(sport=port, dport=7) / Raw(number.to_bytes(2, "big"))


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_container_that_writes_metadata_does_not_get_past_rules(router_lab, start_pfild, tmp_path, direction, family):
    lab = router_lab
    container, near = (lab.cli, "eth0") if direction == "in" else (lab.srv, "eth1")
    target = lab.fw if direction == "in" else lab.cli
    for host in (lab.cli, lab.srv):
        for address in ("192.0.2.2", "2001:db8:1::2"):
            assert ping(host, address, count=2).lost == 0
    lab.fw.run("ethtool", "-K", near, "gro", "on")  # without, its end of the veth takes no frames of XDP
    send_back_with_metadata(container, tmp_path)
    with FramePort(lab.fw, near) as port, Listener(target, BLOCKED) as closed, Listener(target, OPEN) as opened:
        port.send(*sent_back(lab, family, BLOCKED, direction))
        assert wait_until(lambda: len(closed.heard()) == COUNT), "without rules it gets there"
        daemon = start_asking(start_pfild, lab.fw, BLOCKED)
        before = lane(daemon, direction)["engine_dropped"]
        port.send(*sent_back(lab, family, BLOCKED, direction), *sent_back(lab, family, OPEN, direction))
        assert wait_until(lambda: lane(daemon, direction)["engine_dropped"] >= before + COUNT), lane(daemon, direction)
        assert wait_until(lambda: len(opened.heard()) == COUNT), lane(daemon, direction)
        assert len(closed.heard()) == COUNT, "as before"
    assert_ends_well(daemon)


# Somebody in front rewrites what the re-entry has written


@pytest.mark.parametrize("fields", [("mark",), ("tc_index",), ("cb",)], ids=lambda fields: "+".join(fields))
def test_a_program_in_front_that_rewrites_one_field_costs_no_packet_that_comes_in(host_lab, start_pfild, fields):
    daemon = start_asking(start_pfild, host_lab.fw, BLOCKED)
    erase_in_front(host_lab.fw, "ingress", *fields)
    result = ping(host_lab.cli, "192.0.2.2", count=50)
    assert (result.lost, result.duplicates) == (0, 0)
    assert lane(daemon, "in")["dropped_stamp"] == 0
    assert_balanced(daemon)


@pytest.mark.parametrize("side, fields", [("ingress", ("mark", "cb")), ("ingress", ("tc_index", "mark")), ("egress", ("cb",))])
def test_what_has_lost_most_of_its_stamp_is_dropped_at_once_and_counted_and_said_once(host_lab, start_pfild, side, fields):
    daemon = start_asking(start_pfild, host_lab.fw, BLOCKED)
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
    daemon = start_asking(start_pfild, host_lab.fw, BLOCKED)
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
