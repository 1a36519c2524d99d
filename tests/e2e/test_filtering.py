# SPDX-License-Identifier: BSD-2-Clause
"""Blocked means blocked, and only that: each row sends every kind of packet, and its expression takes exactly some of them.

Hooks see every packet here (no flow is known), so what they count equals what was sent."""
import json
import time

import pytest
from scapy.all import ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, IPv6, Raw

from harness.flow import send_and_judge
from harness.frames import FramePort
from harness.judges import assert_balanced, assert_ends_well, wait_until
from harness.meter import Meter
from harness.ping import ping, unanswered
from harness.rules import add_hook, counted, guard

COUNT = 40  # of each kind
EVERY_PACKET = ("--no-cache",)

# name: (link layer and above, how nftables tells it)
KINDS = {
    "telnet4": (IP() / TCP(dport=23), "ether type ip tcp dport 23"),
    "telnet4_back": (IP() / TCP(sport=23, dport=99, flags="R"), "ether type ip tcp sport 23"),
    "http4": (IP() / TCP(dport=80), "ether type ip tcp dport 80"),
    "udp4": (IP() / UDP(sport=9, dport=23), "ether type ip udp dport 23"),
    "telnet6": (IPv6() / TCP(dport=23), "ether type ip6 tcp dport 23"),
    "udp6": (IPv6() / UDP(sport=9, dport=23), "ether type ip6 udp dport 23"),
    "vlan5": (Dot1Q(vlan=5) / IP() / ICMP(), "vlan id 5"),
    "vlan6": (Dot1Q(vlan=6) / IP() / ICMP(), "vlan id 6"),
    "ether": (Raw(b"\x88\xb5 no protocol that anybody knows"), "ether type 0x88b5"),
}
IP4 = {"telnet4", "telnet4_back", "http4", "udp4", "vlan5", "vlan6"}  # inet and inet6 look inside tags
IP6 = {"telnet6", "udp6"}
TELNET = {"telnet4", "telnet6"}
EVERY = set(KINDS)
NOTHING = {name: 0 for name in KINDS}

# what it is; type; expression; on match; which are dropped; which match
ROWS = [
    ("inet drops telnet, and not its twins", "inet", "tcp dst port 23", "drop", {"telnet4"}, {"telnet4"}),
    ("inet6 drops telnet, and not its twins", "inet6", "tcp dst port 23", "drop", {"telnet6"}, {"telnet6"}),
    ("inet drops udp, and not its twins", "inet", "udp dst port 23", "drop", {"udp4"}, {"udp4"}),
    ("inet6 drops udp, and not its twins", "inet6", "udp dst port 23", "drop", {"udp6"}, {"udp6"}),
    ("inet lets only tcp pass", "inet", "tcp", "pass", {"udp4", "vlan5", "vlan6"}, {"telnet4", "telnet4_back", "http4"}),
    ("inet6 lets only tcp pass", "inet6", "tcp", "pass", {"udp6"}, {"telnet6"}),
    ("inet counts and drops nothing", "inet", "tcp port 23", "count", set(), {"telnet4", "telnet4_back"}),
    ("inet6 counts and drops nothing", "inet6", "tcp port 23", "count", set(), {"telnet6"}),
    ("ethernet drops one vlan", "ethernet", "vlan 5", "drop", {"vlan5"}, {"vlan5"}),
    ("ethernet drops a type of frame", "ethernet", "ether proto 0x88b5", "drop", {"ether"}, {"ether"}),
    ("ethernet drops telnet of both families", "ethernet", "tcp dst port 23", "drop", TELNET, TELNET),
    ("a hook that matches everything drops everything", "ethernet", "greater 0", "drop", EVERY, EVERY),
    ("a hook that matches nothing drops nothing", "ethernet", "ether dst 02:00:00:00:00:77", "drop", set(), set()),
]  # fmt: skip


def frames(sender, receiver, kind):
    """COUNT frames of that kind with the addresses of both hosts."""
    above = KINDS[kind][0].copy()
    for layer, address in ((IP, "ipv4"), (IPv6, "ipv6")):
        if layer in above:
            above[layer].src, above[layer].dst = getattr(sender.eth0, address), getattr(receiver.eth0, address)
    frame = Ether(src=sender.eth0.mac, dst=receiver.eth0.mac) / above
    if kind == "ether":
        frame.type = 0x88B5
    return [frame] * COUNT


def send_every_kind(sender, receiver):
    with FramePort(sender) as port:
        port.send_last(*[frame for kind in KINDS for frame in frames(sender, receiver, kind)])


def arrived(arriving, since, expected):
    """What came since then; waits for `expected`, and then for more than that."""
    now = lambda: {name: count - since[name] for name, count in arriving.counts().items()}  # noqa: E731
    wait_until(lambda: now() == expected, timeout_s=3)
    time.sleep(0.05)
    return now()


def meter(host):
    return Meter(host, {kind: match for kind, (_, match) in KINDS.items()})


@pytest.fixture
def silent_lab(host_lab):
    """Nobody answers: what is sent is what the test sends."""
    rules = "\n".join((
        "add table inet mute",
        "add chain inet mute out { type filter hook output priority 0; }",
        "add rule inet mute out tcp flags rst drop",
        "add rule inet mute out icmp type destination-unreachable drop",
        "add rule inet mute out icmpv6 type { destination-unreachable, nd-router-solicit, mld2-listener-report } drop",
    ))  # fmt: skip
    for host in host_lab.hosts():
        host.run("nft", "-f", "-", stdin=rules + "\n")
    return host_lab


@pytest.mark.parametrize("direction", ["in", "out"])
def test_exactly_what_matches_is_dropped_and_counters_equal_what_was_sent(silent_lab, start_pfild, direction):
    daemon = start_pfild(silent_lab.fw, options=EVERY_PACKET)
    daemon.bpfctl("attach", "eth0")
    sender, receiver = (silent_lab.cli, silent_lab.fw) if direction == "in" else (silent_lab.fw, silent_lab.cli)
    arriving = meter(receiver)
    for what, kind, expression, on_match, dropped, matched in ROWS:
        guard(daemon, "cbpf:row", expression, kind, direction=direction[0], on_match=on_match)
        before = arriving.counts()
        send_every_kind(sender, receiver)
        expected = {name: 0 if name in dropped else COUNT for name in KINDS}
        assert arrived(arriving, before, expected) == expected, what
        right = {"matched": COUNT * len(matched), "dropped": COUNT * len(dropped)}
        wait_until(lambda: right.items() <= counted(daemon, "cbpf:row").items())  # noqa: B023
        time.sleep(0.02)  # there may be too many
        count = counted(daemon, "cbpf:row")
        assert right.items() <= count.items(), (what, count)
        family = {"inet": IP4, "inet6": IP6, "ethernet": EVERY}[kind]
        assert count["seen"] >= COUNT * len(family), what
        if kind == "inet":
            assert count["seen"] == COUNT * len(family), what
        daemon.bpfctl("hook", "delete", "cbpf:row")
    assert_ends_well(daemon)


def test_a_direction_in_which_nothing_is_linked_is_not_filtered(silent_lab, start_pfild):
    daemon = start_pfild(silent_lab.fw, options=EVERY_PACKET)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:all-out", "greater 0", "ethernet", direction="o")
    arriving = meter(silent_lab.fw)
    send_every_kind(silent_lab.cli, silent_lab.fw)
    expected = {name: COUNT for name in KINDS}
    assert arrived(arriving, NOTHING, expected) == expected
    lane = daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]
    assert lane["diverted"] == 0 and lane["passed_unhooked"] >= COUNT * len(KINDS)
    assert_ends_well(daemon)


def test_a_hook_on_the_head_of_one_interface_leaves_the_other_alone(router_lab, start_pfild):
    daemon = start_pfild(router_lab.fw, options=EVERY_PACKET)
    for interface in ("eth0", "eth1"):
        daemon.bpfctl("attach", interface)
    guard(daemon, "cbpf:ping", "icmp", "ethernet", head="eth1", direction="i")
    assert ping(router_lab.cli, "192.0.2.2", count=20).lost == 0
    assert unanswered(router_lab.srv, "198.51.100.2", count=20)
    assert wait_until(lambda: counted(daemon, "cbpf:ping")["dropped"] == 20)
    guard(daemon, "cbpf:every", "icmp", "inet", direction="i")
    assert unanswered(router_lab.cli, "192.0.2.2", count=20)
    assert_ends_well(daemon, "eth0", "eth1")


# The first in run order sees all three ports, the next those that are left: what was seen tells the order.
# what it is; direction; links in order of making (hook, append); run order
ORDERS = [
    ("in: the newest is first", "i", [("a", False), ("b", False), ("c", False)], "cba"),
    ("out: the newest is last", "o", [("a", False), ("b", False), ("c", False)], "abc"),
    ("in: appended is last", "i", [("a", False), ("b", False), ("c", True)], "bac"),
    ("out: appended is first", "o", [("a", False), ("b", False), ("c", True)], "cab"),
    ("in: all appended", "i", [("a", True), ("b", True), ("c", True)], "abc"),
    ("out: all appended", "o", [("a", True), ("b", True), ("c", True)], "cba"),
]
PORTS = {"a": 1001, "b": 1002, "c": 1003}


def test_three_hooks_run_in_the_order_of_PF_20(silent_lab, start_pfild):
    daemon = start_pfild(silent_lab.fw, options=EVERY_PACKET)
    daemon.bpfctl("attach", "eth0")
    for what, direction, links, order in ORDERS:
        for name, append in links:
            add_hook(daemon, f"cbpf:{name}", f"udp dst port {PORTS[name]}")
            daemon.bpfctl("link", f"-{direction}", *(["-a"] if append else []), f"cbpf:{name}", "inet")
        shown = next(head for head in daemon.bpfctl.json("heads")["heads"] if head["name"] == "inet")
        assert shown["in" if direction == "i" else "out"] == [f"cbpf:{name}" for name in order], what
        assert shown["out" if direction == "i" else "in"] == [], what
        send_to_three_ports(silent_lab, direction)
        assert wait_until(lambda: sum(counted(daemon, f"cbpf:{name}")["dropped"] for name in PORTS) == 3 * COUNT), what
        seen = {name: counted(daemon, f"cbpf:{name}") for name in PORTS}
        for place, name in enumerate(order):
            assert seen[name] == {"seen": COUNT * (3 - place), "matched": COUNT, "dropped": COUNT}, (what, name, seen)
            daemon.bpfctl("hook", "delete", f"cbpf:{name}")
    assert_ends_well(daemon)


def send_to_three_ports(lab, direction):
    sender, receiver = (lab.cli, lab.fw) if direction == "i" else (lab.fw, lab.cli)
    head = Ether(src=sender.eth0.mac, dst=receiver.eth0.mac) / IP(src=sender.eth0.ipv4, dst=receiver.eth0.ipv4)
    with FramePort(sender) as port:
        port.send_last(*[head / UDP(sport=9, dport=number) for number in PORTS.values() for _ in range(COUNT)])


@pytest.mark.parametrize("direction, order", [("i", ["eth0", "ethernet", "inet"]), ("o", ["inet", "ethernet", "eth0"])])
def test_heads_run_from_the_interface_inwards_and_outwards_the_other_way(silent_lab, start_pfild, direction, order):
    daemon = start_pfild(silent_lab.fw, options=EVERY_PACKET)
    daemon.bpfctl("attach", "eth0")
    for head, number in zip(("inet", "eth0", "ethernet"), PORTS.values()):
        kind = "inet" if head == "inet" else "ethernet"
        guard(daemon, f"cbpf:{head}", f"udp dst port {number}", kind, head=head, direction=direction)
    send_to_three_ports(silent_lab, direction)
    assert wait_until(lambda: sum(counted(daemon, f"cbpf:{head}")["dropped"] for head in order) == 3 * COUNT)
    dropped = {head: counted(daemon, f"cbpf:{head}")["dropped"] for head in order}
    seen = [counted(daemon, f"cbpf:{head}")["seen"] for head in order]
    assert dropped == {head: COUNT for head in order}
    assert seen == sorted(seen, reverse=True) and min(a - b for a, b in zip(seen, seen[1:])) >= COUNT, seen
    assert_ends_well(daemon)


@pytest.mark.tc_only("incoming packets do not come up a port with XDP")
def test_forwarded_packets_carry_fwd_and_local_ones_do_not(router_lab, start_pfild):
    daemon = start_pfild(router_lab.fw, options=EVERY_PACKET)
    daemon.bpfctl("attach", "eth1")
    guard(daemon, "cbpf:count", "greater 0", "ethernet", on_match="count")
    ports = daemon.bpfctl.interface("eth1")["port_pair"]

    def labels(port):
        """Of pings that went up to the engine there."""
        wanted = port.receive_outgoing(lambda packet: Dot1AD in packet and b"pfild-fwd-test" in bytes(packet), 10, watch_s=0.1)
        return [int.from_bytes(seen.bytes[14:16], "big") for seen in wanted]

    pattern = b"pfild-fwd-test".hex()
    with FramePort(router_lab.fw, ports["p"]) as up_out, FramePort(router_lab.fw, ports["q"]) as up_in:
        for origin, label in (("cli", 0xA001), ("fw", 0xA000)):
            for address in ("198.51.100.1", "2001:db8:2::1"):
                sent = ping(getattr(router_lab, origin), address, count=10, options=("-p", pattern))
                assert sent.lost == 0
                assert labels(up_out) == [label] * 10
                assert labels(up_in) == [0xA000] * 10  # on the way in nobody knows yet
    assert_ends_well(daemon, "eth1")


@pytest.mark.parametrize("source", ["file", "standard input"])
def test_bytecode_of_tcpdump_filters_as_its_expression_does(silent_lab, start_pfild, tmp_path, source):
    daemon = start_pfild(silent_lab.fw, options=EVERY_PACKET)
    daemon.bpfctl("attach", "eth0")
    code = silent_lab.fw.run("tcpdump", "-y", "RAW", "-ddd", "tcp dst port 23").stdout
    path = tmp_path / "telnet.bpf"
    path.write_text(code)
    words = ["--on-match", "drop", "--type", "inet"]
    if source == "file":
        daemon.bpfctl("hook", "add", "cbpf:code", "--bytecode", path, *words)
    else:
        done = daemon.bpfctl.run("hook", "add", "cbpf:code", "--bytecode", "-", *words, stdin=code)
        assert done.returncode == 0, done.stderr
    assert daemon.bpfctl.hook("cbpf:code")["instructions"] == int(code.split()[0])
    daemon.bpfctl("link", "-i", "cbpf:code", "inet")
    arriving = meter(silent_lab.fw)
    send_every_kind(silent_lab.cli, silent_lab.fw)
    expected = {name: 0 if name == "telnet4" else COUNT for name in KINDS}
    assert arrived(arriving, NOTHING, expected) == expected
    assert wait_until(lambda: counted(daemon, "cbpf:code")["dropped"] == COUNT)
    assert_ends_well(daemon)


def test_two_hooks_in_both_directions_count_every_packet_of_a_flow_once(silent_lab, start_pfild):
    daemon = start_pfild(silent_lab.fw, options=EVERY_PACKET)
    daemon.bpfctl("attach", "eth0")
    for name in ("cbpf:one", "cbpf:two"):
        guard(daemon, name, "udp dst port 9000", on_match="count")
    assert send_and_judge(silent_lab.cli, silent_lab.fw, "192.0.2.2", rate_pps=10_000, count=10_000).clean()
    assert send_and_judge(silent_lab.fw, silent_lab.cli, "192.0.2.1", rate_pps=10_000, count=10_000).clean()
    for name in ("cbpf:one", "cbpf:two"):
        assert counted(daemon, name) == {"seen": 20_000, "matched": 20_000, "dropped": 0}
    assert_balanced(daemon)
    assert json.loads(daemon.bpfctl("--json", "stats"))["interfaces"]["eth0"]["out"]["engine_received"] >= 10_000
    assert_ends_well(daemon)
