# SPDX-License-Identifier: BSD-2-Clause
"""Nothing is lost or changed on the way through userspace: pings, transfers, checksums, segments and fragments."""
import pytest
from scapy.all import IP, UDP, Ether, IPv6, Raw

from harness.datagrams import Listener, content, send
from harness.frames import FramePort
from harness.judges import assert_balanced, wait_until
from harness.pfild import TEST_MODE
from harness.ping import ping, unanswered
from harness.rules import counted, guard

PINGS = 1000
TRANSFER = 100_000_000  # bytes
MOST = 1448  # bytes of TCP in a packet of MTU 1500
FAMILIES = ["ipv4", "ipv6"]

# topology, which interfaces of fw are attached, who talks to whom
LABS = {"host": (("eth0",), "cli", "fw"), "router": (("eth0", "eth1"), "cli", "srv")}
by_topology = pytest.mark.parametrize("topology", LABS)
by_family = pytest.mark.parametrize("family", FAMILIES)


def ends(make_lab, topology):
    """The lab, interfaces to attach, the host that asks, the host that answers."""
    interfaces, asking, answering = LABS[topology]
    lab = make_lab(topology)
    return lab, interfaces, getattr(lab, asking), getattr(lab, answering)


def assert_default_offloads(*hosts):
    names = ["tx-checksumming", "rx-checksumming", "generic-segmentation-offload"]
    if TEST_MODE != "xdp":  # the kernel takes it from the peer of a veth with native XDP
        names.append("tcp-segmentation-offload")
    for host in hosts:
        features = host.run("ethtool", "-k", "eth0").stdout
        for feature in names:
            assert f"{feature}: on" in features, host.namespace


@by_topology
def test_1000_pings_2_ms_apart_are_all_answered_in_both_families(make_lab, detour, topology):
    lab, interfaces, asking, answering = ends(make_lab, topology)
    way = detour(lab.fw, *interfaces)
    with way.watch() as went:
        for family in FAMILIES:
            result = ping(asking, getattr(answering.eth0, family), count=PINGS, interval_ms=2)
            assert (result.sent, result.lost, result.duplicates) == (PINGS, 0, 0), family
    for interface in interfaces:
        assert went.whole("in", 2 * PINGS, interface) and went.whole("out", 2 * PINGS, interface)


def test_pings_that_a_hook_drops_are_lost_and_counted_and_those_of_the_other_family_are_not(host_lab, detour):
    way = detour(host_lab.fw)
    guard(way.daemon, "cbpf:no-ping", "icmp", direction="i")
    assert unanswered(host_lab.cli, "192.0.2.2", count=50)
    assert ping(host_lab.cli, "2001:db8:1::2", count=50).lost == 0
    assert wait_until(lambda: counted(way.daemon, "cbpf:no-ping")["dropped"] == 50)
    assert way.stats()["eth0"]["in"]["engine_dropped"] == 50


@by_topology
@by_family
def test_100_mb_arrive_unchanged_in_both_directions(make_lab, detour, serve_http, topology, family):
    lab, interfaces, asking, answering = ends(make_lab, topology)
    way = detour(lab.fw, *interfaces)
    assert_default_offloads(*lab.hosts())
    server, address = serve_http(answering), getattr(answering.eth0, family)
    # Which lane of the first interface carries the bulk: cli is behind it.
    for transfer, bulk in ((server.download, "out"), (server.upload, "in")):
        with way.watch() as went:
            done = transfer(asking, address, TRANSFER)
        assert done.ok, (bulk, done.error)
        for interface in interfaces:
            flipped = bulk if interface == "eth0" else {"in": "out", "out": "in"}[bulk]
            assert went.lane(flipped, interface)["engine_received"] > TRANSFER // MOST, (bulk, interface)
            assert went.lane(flipped, interface)["engine_received_bytes"] > TRANSFER
            assert went.lane(flipped, interface)["passed_unhooked"] == 0
    assert_default_offloads(*lab.hosts())
    assert_balanced(way.daemon)


# Checksums

def is_udp(packet):
    return UDP in packet and packet[UDP].dport == 9


def checksum_is_right(packet):
    """As scapy computes it from the same packet with the field left out."""
    again = packet.copy()
    del again[UDP].chksum
    return Ether(bytes(again))[UDP].chksum == packet[UDP].chksum


@by_family
def test_udp_leaves_with_a_whole_checksum_though_the_stack_left_it_to_the_device(host_lab, detour, family):
    address = getattr(host_lab.cli.eth0, family)
    ping(host_lab.fw, address, count=1)
    with FramePort(host_lab.cli) as port:
        send(host_lab.fw, address)
        [partial] = port.receive(is_udp)
        assert not checksum_is_right(partial.packet)  # without pfild: the device was to do it
        way = detour(host_lab.fw)
        with way.watch() as went:
            send(host_lab.fw, address)
            [whole] = port.receive(is_udp)
        assert went.whole("out", 1)
        assert checksum_is_right(whole.packet)
        assert bytes(whole.packet[UDP].payload) == content(100)


def test_forwarded_udp_with_a_checksum_left_to_the_device_arrives_whole(router_lab, detour):
    way = detour(router_lab.fw, "eth0", "eth1")
    for family in FAMILIES:
        address = getattr(router_lab.srv.eth0, family)
        ping(router_lab.cli, address, count=1)
        with FramePort(router_lab.srv) as port, way.watch() as went:
            send(router_lab.cli, address)
            [whole] = port.receive(is_udp)
        assert went.whole("in", 1, "eth0") and went.whole("out", 1, "eth1")
        assert checksum_is_right(whole.packet)


def test_udp_without_checksum_stays_without(host_lab, detour):
    detour(host_lab.fw)
    ping(host_lab.fw, "192.0.2.1", count=1)
    with FramePort(host_lab.cli) as port:
        send(host_lab.fw, "192.0.2.1", how="none")
        [seen] = port.receive(is_udp)
    assert seen.packet[UDP].chksum == 0


def udp_errors(host, what="Udp: InCsumErrors"):
    """A counter of /proc/net/snmp or snmp6."""
    if what.startswith("Udp6"):
        return int(host.run("grep", f"^{what} ", "/proc/net/snmp6").stdout.split()[1])
    names, values = (line.split() for line in host.run("grep", "^Udp:", "/proc/net/snmp").stdout.splitlines())
    return int(dict(zip(names, values))[what.removeprefix("Udp: ")])


def test_a_wrong_checksum_stays_wrong_and_the_stack_finds_out(host_lab, detour):
    way = detour(host_lab.fw)
    cli, fw = host_lab.cli.eth0, host_lab.fw.eth0
    for family in FAMILIES:
        layer = {"ipv4": IP(src=cli.ipv4, dst=fw.ipv4), "ipv6": IPv6(src=cli.ipv6, dst=fw.ipv6)}[family]
        counter = {"ipv4": "Udp: InCsumErrors", "ipv6": "Udp6InCsumErrors"}[family]
        good = Ether(src=cli.mac, dst=fw.mac) / layer / UDP(sport=9, dport=9) / Raw(b"pfild" * 20)
        bad = Ether(bytes(good))
        bad[UDP].chksum ^= 0x1111
        before = udp_errors(host_lab.fw, counter)
        with FramePort(host_lab.cli) as port, Listener(host_lab.fw) as listener, way.watch() as went:
            port.send(bad, good, bad, good)
            assert wait_until(lambda: len(listener.heard()) == 2)
        assert went.whole("in", 4)
        assert udp_errors(host_lab.fw, counter) - before == 2


# Packets that are several

# How the sender makes it; its bytes; the bytes that the receiver gets; packets on the way (at MTU 1500: 1480 or 1448 bytes each).
PIECES = [
    ("a call with UDP_SEGMENT arrives as the datagrams that it stands for", "gso", 5000, [500] * 10, {"ipv4": 10, "ipv6": 10}),
    ("a datagram cut into IP fragments arrives as one", "offloaded", 5000, [5000], {"ipv4": 4, "ipv6": 4}),
    ("a datagram of 65,000 bytes in fragments arrives as one", "offloaded", 65_000, [65_000], {"ipv4": 44, "ipv6": 45}),
]
UDP_PACKETS = {"ipv4": ("ip proto 17", "inet"), "ipv6": ("ip6 proto 17", "inet6")}  # fragments too


@pytest.mark.parametrize("direction", ["in", "out"])
def test_datagrams_that_are_cut_arrive_whole(host_lab, detour, direction):
    way = detour(host_lab.fw)
    for family in FAMILIES:
        pieces = f"cbpf:pieces-{family}"
        guard(way.daemon, pieces, *UDP_PACKETS[family], on_match="count")
        sender, receiver = (host_lab.cli, host_lab.fw) if direction == "in" else (host_lab.fw, host_lab.cli)
        address = getattr(receiver.eth0, family)
        ping(sender, address, count=1)
        for sentence, how, size, arriving, packets in PIECES:
            before = counted(way.daemon, pieces)["matched"]
            with Listener(receiver) as listener, way.watch() as went:
                send(sender, address, size, how=how)
                assert wait_until(lambda: len(listener.heard()) >= len(arriving)), sentence
                heard = listener.heard()
            assert [len(one.data) for one in heard] == arriving, sentence
            assert b"".join(one.data for one in heard) == content(size), sentence
            assert counted(way.daemon, pieces)["matched"] - before == packets[family], sentence
            assert went.whole(direction, packets[family]), sentence
