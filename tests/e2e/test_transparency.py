# SPDX-License-Identifier: BSD-2-Clause
"""The stack of a host sees its packets as if pfild were not there: each once, by the right interface, for whom it is.

The one exception is asserted too: a capture on the interface sees incoming packets that go through the engine twice.
"""
import json
import time

import pytest
from scapy.all import IP, UDP, Ether, IPv6, Raw

from harness.datagrams import Listener, content, send
from harness.frames import FramePort
from harness.judges import assert_ends_well, offloads, qdiscs, tc_filters, wait_until
from harness.ping import ping
from harness.seen import Seen, at_every_hook

PINGS = 200
NOISE = 12  # packets that a test did not ask for: neighbour discovery, listener reports
STRANGER = "02:00:00:00:0e:0e"  # a host that is not there
ECHO = {"ipv4": ("icmp type echo-request", "icmp type echo-reply"),
        "ipv6": ("icmpv6 type echo-request", "icmpv6 type echo-reply")}  # fmt: skip
FAMILIES = ["ipv4", "ipv6"]


# Netfilter


def test_netfilter_sees_each_packet_of_the_host_once_and_by_eth0(host_lab, detour):
    way = detour(host_lab.fw)
    for family in FAMILIES:
        request, reply = ECHO[family]
        hooks = {request: ("prerouting eth0", "input eth0"), reply: ("output eth0", "postrouting eth0")}
        for match, passed in hooks.items():
            with Seen(host_lab.fw, at_every_hook(match, ["eth0"])) as seen, way.watch() as went:
                assert ping(host_lab.cli, getattr(host_lab.fw.eth0, family), count=PINGS).lost == 0
                assert seen.counts() == {hook: PINGS for hook in passed}
            assert went.whole("in", PINGS) and went.whole("out", PINGS)


def test_netfilter_sees_each_forwarded_packet_once_from_eth0_to_eth1(router_lab, detour):
    way = detour(router_lab.fw, "eth0", "eth1")
    for family in FAMILIES:
        with Seen(router_lab.fw, at_every_hook(ECHO[family][0], ["eth0", "eth1"])) as seen, way.watch() as went:
            assert ping(router_lab.cli, getattr(router_lab.srv.eth0, family), count=PINGS).lost == 0
            assert seen.counts() == {"prerouting eth0": PINGS, "forward eth0 to eth1": PINGS, "postrouting eth1": PINGS}
        assert went.whole("in", PINGS, "eth0") and went.whole("out", PINGS, "eth1")
        assert went.whole("in", PINGS, "eth1") and went.whole("out", PINGS, "eth0")


# Counters


def icmp_counter(host, name):
    names, values = (line.split() for line in host.run("grep", "^Icmp:", "/proc/net/snmp").stdout.splitlines())
    return int(dict(zip(names, values))[name])


def test_interface_and_protocol_counters_count_each_packet_once(host_lab, detour):
    cli, fw = host_lab.cli, host_lab.fw
    way = detour(fw)

    def reading():
        traffic = {f"{end}_{one}": getattr(host_lab, end).counter(one) for end in ("cli", "fw") for one in ("rx_packets", "tx_packets")}
        lost = {one: fw.counter(one) for one in ("rx_dropped", "tx_dropped", "rx_errors", "tx_errors")}
        return {**traffic, **lost, "asked": icmp_counter(fw, "InEchos"), "answered": icmp_counter(fw, "OutEchoReps")}

    def steady():
        """Read twice alike: neighbour discovery of its own may come between two counters."""
        last, now = None, reading()
        while now != last:
            last, now = now, reading()
        return now

    before = steady()
    with way.watch() as went:
        assert ping(cli, "192.0.2.2", count=PINGS).lost == 0
    grown = {name: count - before[name] for name, count in steady().items()}
    assert went.whole("in", PINGS) and went.whole("out", PINGS)
    assert (grown["asked"], grown["answered"]) == (PINGS, PINGS)
    for one in ("rx_packets", "tx_packets"):
        assert PINGS <= grown[f"fw_{one}"] <= PINGS + NOISE, grown
    assert grown["fw_rx_packets"] == grown["cli_tx_packets"] and grown["fw_tx_packets"] == grown["cli_rx_packets"]
    assert [grown[one] for one in ("rx_dropped", "tx_dropped", "rx_errors", "tx_errors")] == [0, 0, 0, 0]


# For whom a packet is

# what it is; where the client sends it; what the socket is told as destination; nftables' packet type
RECEIVED = [
    ("IPv4 for this host", "192.0.2.2", "192.0.2.2", "host"),
    ("IPv6 for this host", "2001:db8:1::2", "2001:db8:1::2", "host"),
    ("broadcast of the subnet", "192.0.2.255", "192.0.2.255", "broadcast"),
    ("broadcast of the link", "255.255.255.255", "255.255.255.255", "broadcast"),
    ("IPv4 multicast", "239.1.2.3", "239.1.2.3", "multicast"),
    ("IPv6 multicast", "ff02::1:5%eth0", "ff02::1:5", "multicast"),
]  # fmt: skip


def test_a_socket_is_told_interface_destination_and_hops(host_lab, detour):
    way = detour(host_lab.fw)
    kinds = {one: f"meta pkttype {one} udp dport 9" for one in ("host", "broadcast", "multicast", "other")}
    for sentence, target, told, kind in RECEIVED:
        listener = Listener(host_lab.fw, groups=("239.1.2.3", "ff02::1:5"))
        with listener, Seen(host_lab.fw, {"prerouting": kinds}) as seen, way.watch() as went:
            send(host_lab.cli, target, count=20)
            assert wait_until(lambda: len(listener.heard()) >= 20), sentence
            heard, counts = listener.heard(), seen.counts()
        assert went.whole("in", 20)
        assert len(heard) == 20, sentence
        assert {(one.interface, one.to, one.data) for one in heard} == {("eth0", told, content(100))}, sentence
        assert {one.hops for one in heard} == ({1} if kind == "multicast" else {64}), sentence
        assert counts == {f"prerouting {kind}": 20}, sentence


def test_a_group_that_nobody_joined_is_not_delivered(host_lab, detour):
    way = detour(host_lab.fw)
    with Listener(host_lab.fw, groups=("239.1.2.3",)) as listener, way.watch() as went:
        send(host_lab.cli, "239.1.2.4")
        send(host_lab.cli, "239.1.2.3")
        assert wait_until(listener.heard)
        assert [one.to for one in listener.heard()] == ["239.1.2.3"]
    assert went.whole("in", 2)


def test_a_frame_to_another_mac_is_not_delivered_though_the_interface_is_promiscuous(host_lab, detour):
    way = detour(host_lab.fw)
    host_lab.fw.run("ip", "link", "set", "eth0", "promisc", "on")
    cli, fw = host_lab.cli.eth0, host_lab.fw.eth0
    for family in FAMILIES:
        layer = {"ipv4": IP(src=cli.ipv4, dst=fw.ipv4), "ipv6": IPv6(src=cli.ipv6, dst=fw.ipv6)}[family]
        to = {mac: Ether(src=cli.mac, dst=mac) / layer / UDP(sport=9, dport=9) / Raw(mac) for mac in (STRANGER, fw.mac)}
        with FramePort(host_lab.cli) as port, Listener(host_lab.fw) as listener, way.watch() as went:
            port.send(*[to[STRANGER]] * 5, to[fw.mac])
            assert wait_until(listener.heard)
            assert [one.data.decode() for one in listener.heard()] == [fw.mac]
        assert went.whole("in", 6)


def test_a_frame_to_another_mac_is_not_forwarded(router_lab, detour):
    way = detour(router_lab.fw, "eth0", "eth1")
    assert ping(router_lab.cli, "198.51.100.1", count=1).lost == 0
    cli, fw, srv = router_lab.cli.eth0, router_lab.fw.eth0, router_lab.srv.eth0
    frames = [Ether(src=cli.mac, dst=mac) / IP(src=cli.ipv4, dst=srv.ipv4) / UDP(dport=9) / Raw(mac) for mac in (STRANGER, fw.mac)]
    with FramePort(router_lab.cli) as port, Listener(router_lab.srv) as listener, way.watch() as went:
        port.send(*frames)
        assert wait_until(listener.heard)
        assert [one.data.decode() for one in listener.heard()] == [fw.mac]
    assert went.whole("in", 2)


# Captures and queues


@pytest.mark.tc_only("behind XDP a capture sees incoming packets once: test_xdp.py")
def test_a_capture_sees_outgoing_packets_once_and_incoming_ones_twice(host_lab, detour):
    way = detour(host_lab.fw)
    captures = {host: host.popen("tcpdump", "-n", "-l", "--immediate-mode", "-i", "eth0", "icmp") for host in host_lab.hosts()}
    for capture in captures.values():
        capture.wait_for_output("listening on")
    with way.watch() as went:
        assert ping(host_lab.cli, "192.0.2.2", count=50).lost == 0

    def counts(host):
        return captures[host].stdout.count("echo request"), captures[host].stdout.count("echo reply")

    assert went.whole("in", 50) and went.whole("out", 50)
    right = {host_lab.cli: (50, 50), host_lab.fw: (100, 50)}  # 100: as they come, and as they come back from the engine
    wait_until(lambda: {host: counts(host) for host in captures} == right)
    time.sleep(0.05)  # there may be too many
    assert {host: counts(host) for host in captures} == right


def test_a_capture_sees_packets_once_that_no_hook_asks_for(host_lab, start_pfild):
    start_pfild(host_lab.fw).bpfctl("attach", "eth0")
    capture = host_lab.fw.popen("tcpdump", "-n", "-l", "--immediate-mode", "-i", "eth0", "icmp")
    capture.wait_for_output("listening on")
    assert ping(host_lab.cli, "192.0.2.2", count=50).lost == 0
    wait_until(lambda: capture.stdout.count("echo") == 100)
    time.sleep(0.05)  # there may be too many
    assert (capture.stdout.count("echo request"), capture.stdout.count("echo reply")) == (50, 50)


def test_a_qdisc_shapes_what_leaves_and_nothing_else(host_lab, detour, serve_http):
    size, rate = 5_000_000, 20_000_000  # bytes, bits a second
    way = detour(host_lab.fw)
    server = serve_http(host_lab.fw)
    unshaped = server.download(host_lab.cli, "192.0.2.2", size)
    tbf = ("tbf", "rate", rate, "burst", "64kb", "latency", "400ms")
    host_lab.fw.run("tc", "qdisc", "add", "dev", "eth0", "root", *tbf)

    def at_root():
        return json.loads(host_lab.fw.run("tc", "-s", "-j", "qdisc", "show", "dev", "eth0").stdout)[0]

    def not_at_root():
        """How many packets left that the qdisc did not see, or how many it saw twice."""
        return host_lab.fw.counter("tx_packets") - at_root()["packets"]

    before = not_at_root()
    with way.watch() as went:
        shaped = server.download(host_lab.cli, "192.0.2.2", size)
        upload = server.upload(host_lab.cli, "192.0.2.2", size)
    assert unshaped.ok and shaped.ok and upload.ok, (shaped, upload)
    at_best = 8 * size / rate
    assert unshaped.seconds < at_best / 2 and upload.seconds < at_best / 2
    assert 0.95 * at_best < shaped.seconds < 1.5 * at_best
    root = at_root()
    assert root["kind"] == "tbf" and root["bytes"] > size and root["overlimits"] > 0
    assert wait_until(lambda: not_at_root() == before), (before, not_at_root())
    lane = went.lane("out")
    assert lane["reentered"] >= size // 1448 and lane["passed_unhooked"] == 0


# Before and after


def surroundings(host):
    """All of a namespace that somebody could have changed."""
    said = ["ip -o link", "ip -o address", "ip route show table all", "ip -6 route show table all", "nft list ruleset"]
    links = {command: host.run(*command.split()).stdout for command in said}
    return {**links, "filters": tc_filters(host), "qdiscs": qdiscs(host), "offloads": offloads(host)}


def test_nothing_is_left_of_a_daemon_that_was_there(host_lab, detour):
    fw = host_lab.fw
    before = surroundings(fw)
    way = detour(fw)
    assert surroundings(fw) != before  # ports and heads
    with way.watch() as went:
        assert ping(host_lab.cli, "192.0.2.2", count=PINGS).lost == 0
    assert went.whole("in", PINGS)
    way.daemon.bpfctl("detach", "eth0")
    assert surroundings(fw) == before
    way.daemon.bpfctl("attach", "eth0")
    assert ping(host_lab.cli, "2001:db8:1::2", count=PINGS).lost == 0
    assert_ends_well(way.daemon)
    assert surroundings(fw) == before
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
