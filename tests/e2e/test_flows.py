# SPDX-License-Identifier: BSD-2-Clause
"""Known flows stay in the kernel: how few of their packets the engine sees, that they keep their order, and that what is remembered
of one packet never answers for another that the rules would decide otherwise."""
import random
import time

import pytest
from scapy.all import IP, TCP, UDP, Dot1Q, Ether, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, Raw

from harness.control import Control
from harness.flow import UdpFlow
from harness.frames import FramePort
from harness.judges import assert_balanced, assert_ends_well, wait_until
from harness.known import known, received
from harness.meter import PassedPorts
from harness.pace import Pace
from harness.ping import ping
from harness.rules import add_hook, counted, guard

MEGABYTES_100 = 100_000_000


@pytest.mark.parametrize("address", ["192.0.2.2", "2001:db8:1::2"])
@pytest.mark.parametrize("way", ["download", "upload"])
def test_100_mb_over_a_known_flow_cost_the_engine_ten_packets_at_most(host_lab, start_pfild, serve_http, way, address):
    kind = "inet6" if ":" in address else "inet"
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:telnet", "tcp dst port 23", kind)
    server = serve_http(host_lab.fw)
    transfer = getattr(server, way)(host_lab.cli, address, MEGABYTES_100)
    assert transfer.ok, transfer.error
    assert 0 < counted(daemon, "cbpf:telnet")["seen"] <= 10
    assert known(daemon) > 10_000
    assert_ends_well(daemon)


def test_a_hook_that_looks_at_more_than_the_flow_gets_every_packet(host_lab, start_pfild, serve_http):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:short", "tcp port 8080 and less 10000", "inet", on_match="count")
    transfer = serve_http(host_lab.fw).download(host_lab.cli, "192.0.2.2", MEGABYTES_100)
    assert transfer.ok, transfer.error
    assert counted(daemon, "cbpf:short")["seen"] > MEGABYTES_100 / 1500
    lanes = daemon.bpfctl.json("stats")["interfaces"]["eth0"]
    assert all(lane["passed_known"] == 0 for lane in lanes.values()), lanes
    assert_ends_well(daemon)


def test_a_blocked_flow_is_dropped_in_the_kernel_after_its_first_packet(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:no9000", "udp dst port 9000", direction="i")
    lane = lambda: daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]  # noqa: E731
    same = {"port": 9000, "source_port": 9001}
    assert UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", count=1, **same).finish().received == 0
    assert wait_until(lambda: lane()["engine_dropped"] == 1)
    assert UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=1000, count=500, **same).finish().received == 0
    assert lane()["engine_dropped"] <= 10 and lane()["dropped_known"] >= 490, lane()
    assert_ends_well(daemon)


def test_ping_is_a_flow_too(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:telnet", "tcp dst port 23")
    # Slowly: before an answer is known, requests come up.
    assert ping(host_lab.cli, "192.0.2.2", count=100, interval_ms=10).lost == 0
    assert 0 < counted(daemon, "cbpf:telnet")["seen"] <= 10
    assert_ends_well(daemon)


def test_no_flow_is_decided_by_the_old_rules_after_the_change_has_returned(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:telnet", "tcp dst port 23", direction="i")
    add_hook(daemon, "cbpf:block", "udp dst port 9000")
    link = {"hook": "cbpf:block", "head": "inet", "directions": ["in"]}
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=50_000, count=2_000_000)
    assert wait_until(lambda: known(daemon) > 1000)

    def passed():
        return daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]["passed_known"]

    with Control(daemon.name) as control:
        for _ in range(50):
            assert control.call("link", link)["ok"]
            blocked_at = passed()
            time.sleep(0.01)
            assert passed() == blocked_at
            assert control.call("unlink", link)["ok"]
            time.sleep(0.01)
            assert wait_until(lambda: passed() > blocked_at)  # noqa: B023
    flow.finish(early=True)
    # What was dropped and now passes is asked about each time, until that is known to be in order: 400 ms at most.
    assert received(daemon) < known(daemon) / 4
    assert_ends_well(daemon)


# Crafted pairs. The second packet of a pair is plain, its destination port is its own, its time to live marks it.

PAIRS = 1000
MARK = 77
FIRST_PORT = 20_000


def plain(lab, number, hops=MARK):
    """The second packet: number decides family and protocol."""
    transport = (UDP if number % 3 else TCP)(sport=4000 + number % 7, dport=FIRST_PORT + number)
    network = IP(src="192.0.2.1", dst="192.0.2.2", ttl=hops) if number % 2 else IPv6(
        src="2001:db8:1::1", dst="2001:db8:1::2", hlim=hops
    )  # fmt: skip
    return Ether(src=lab.cli.eth0.mac, dst=lab.fw.eth0.mac) / network / transport / Raw(b"x" * 20)


def fragment(lab, number, _rng):
    packet = plain(lab, number, 64)
    if number % 2:
        packet[IP].flags = "MF"
        return packet
    transport = packet[IPv6].payload
    packet[IPv6].remove_payload()
    return packet / IPv6ExtHdrFragment(offset=0, m=1, nh=17 if number % 3 else 6) / transport


def extension_header(lab, number, _rng):
    packet = plain(lab, number, 64)
    if number % 2:
        packet[IP].options = [b"\x01\x01\x01\x00"]
        return packet
    transport = packet[IPv6].payload
    packet[IPv6].remove_payload()
    return packet / IPv6ExtHdrDestOpt(nh=17 if number % 3 else 6) / transport


def tagged(lab, number, rng):
    packet = plain(lab, number, 64)
    inner = packet.payload
    packet.remove_payload()
    return packet / Dot1Q(vlan=rng.randrange(1, 4000)) / inner


def short(lab, number, _rng):
    """Cut behind the first bytes of the transport header, padded as Ethernet does."""
    packet = plain(lab, number, 64)
    network = packet[IP] if number % 2 else packet[IPv6]
    if number % 2:
        network.len = 22
    else:
        network.plen = 2
    return bytes(packet)[:60]


def long_option(lab, number, rng):
    """A payload and a service class that the second does not have."""
    packet = plain(lab, number, 64)
    if number % 2:
        packet[IP].tos = rng.randrange(256)
    return packet / Raw(b"y" * rng.randrange(1000))


ODD = [fragment, extension_header, tagged, short, long_option]

# (hook, expression, kind, head): what is decided by the flow, and what tempts a cache to decide by less.
RULES = [
    ("cbpf:ports", "udp dst portrange 20000-20299 or tcp dst portrange 20500-20799", "inet", "inet"),
    ("cbpf:ports6", "udp dst portrange 20000-20299 or tcp dst portrange 20500-20799", "inet6", "inet6"),
    ("cbpf:untagged", "(udp dst portrange 20300-20499) and not vlan", "ethernet", "eth0"),
]


def crafted(lab, numbers):
    """Rounds of frames: three of the odd first packets, one of the second ones."""
    rng = random.Random(1)
    rounds = [[ODD[number % len(ODD)](lab, number, rng) for number in numbers] for _ in range(3)]
    rounds.append([plain(lab, number) for number in numbers])
    return [[bytes(frame) for frame in one] for one in rounds]


def decided(lab, daemon, rounds):
    """Which second packets passed, after their odd first ones were sent three times."""
    daemon.bpfctl("attach", "eth0")
    for name, expression, kind, head in RULES:
        guard(daemon, name, expression, kind, head, direction="i")
    passed = PassedPorts(lab.fw, MARK)
    with FramePort(lab.cli) as port, Pace(daemon) as pace:
        for frames in rounds:
            for start in range(0, len(frames), 100):
                port.send(*frames[start : start + 100])
                pace.wait(len(frames[start : start + 100]))
    return passed.ports()


def test_1000_odd_packets_never_decide_for_the_plain_ones_behind_them(make_lab, start_pfild):
    remembering, asking = make_lab(), make_lab()
    rounds = crafted(remembering, range(PAIRS))  # the addresses of all labs are the same
    daemon = start_pfild(remembering.fw)
    cached = decided(remembering, daemon, rounds)
    uncached = decided(asking, start_pfild(asking.fw, options=("--no-cache",)), rounds)
    assert cached == uncached
    assert 200 < len(uncached) < PAIRS - 200  # the rules do drop some and pass some
    assert daemon.bpfctl.json("stats")["flows"]["created"] >= PAIRS
    assert_balanced(daemon)


def test_a_flow_at_one_interface_or_in_one_direction_says_nothing_about_another(router_lab, start_pfild):
    lab = router_lab
    daemon = start_pfild(lab.fw)
    for interface in ("eth0", "eth1"):
        daemon.bpfctl("attach", interface)
    guard(daemon, "cbpf:eth0only", "udp dst port 9000", "ethernet", "eth0", direction="i")
    guard(daemon, "cbpf:telnet", "tcp dst port 23")
    back = UdpFlow(lab.srv, lab.cli, lab.cli.eth0.ipv4, rate_pps=1000, count=300, port=9000, source_port=9000)
    assert back.finish().clean()  # in by eth1, out by eth0, the same addresses and ports the other way round
    there = UdpFlow(lab.cli, lab.srv, lab.srv.eth0.ipv4, rate_pps=1000, count=300, port=9000, source_port=9000)
    assert there.finish().received == 0
    assert_ends_well(daemon, "eth0", "eth1")
