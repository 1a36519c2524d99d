# SPDX-License-Identifier: BSD-2-Clause
"""fw between cli and srv, as a router and as a bridge: what goes through it, and what it says about packets that cannot."""
import json
import re

import pytest
from scapy.all import ICMP, IP, UDP, Ether, ICMPv6PacketTooBig, Raw

from harness.datagrams import Listener, content, send
from harness.frames import FramePort
from harness.judges import assert_balanced, wait_until
from harness.ping import ping, unanswered
from harness.rules import counted, guard
from harness.seen import Seen

NARROW = 1300  # MTU between fw and srv
STRANGER = "02:00:00:00:0e:0e"  # a host that is not there
FAMILIES = ["ipv4", "ipv6"]


@pytest.fixture
def narrow(router_lab):
    """A router whose second link is narrower than its first."""
    router_lab.fw.run("ip", "link", "set", "eth1", "mtu", NARROW)
    router_lab.srv.run("ip", "link", "set", "eth0", "mtu", NARROW)
    return router_lab


# PMTU


def says_too_big(packet):
    if ICMP in packet:
        return (packet[ICMP].type, packet[ICMP].code) == (3, 4)
    return ICMPv6PacketTooBig in packet


def told_mtu(packet):
    return packet[ICMP].nexthopmtu if ICMP in packet else packet[ICMPv6PacketTooBig].mtu


def test_a_packet_too_big_for_the_next_link_is_answered_once_and_the_sender_learns(narrow, detour):
    cli, srv = narrow.cli, narrow.srv
    way = detour(narrow.fw, "eth0", "eth1")
    for family in FAMILIES:
        address = getattr(srv.eth0, family)
        assert ping(cli, address, count=1).lost == 0
        with FramePort(cli) as port, way.watch() as went:
            assert unanswered(cli, address, count=1, size_bytes=1400, options=("-M", "do"))
            answers = port.receive(says_too_big, watch_s=0.3)
        assert went.whole("in", 1, "eth0") and went.whole("out", 1, "eth0")
        assert [told_mtu(one.packet) for one in answers] == [NARROW]
        assert answers[0].packet.payload.src == getattr(narrow.fw.eth0, family)
        assert wait_until(lambda: f"mtu {NARROW}" in cli.run("ip", "route", "get", address).stdout)  # noqa: B023
        overhead = {"ipv4": 28, "ipv6": 48}[family]
        assert ping(cli, address, count=20, size_bytes=NARROW - overhead, options=("-M", "do")).lost == 0


def test_tcp_finds_the_narrow_link(narrow, detour, serve_http):
    way = detour(narrow.fw, "eth0", "eth1")
    server = serve_http(narrow.srv)
    for family in FAMILIES:
        for transfer in (server.upload, server.download):
            done = transfer(narrow.cli, getattr(narrow.srv.eth0, family), 10_000_000)
            assert done.ok, (family, done.error)
    assert_balanced(way.daemon)


def test_a_router_cuts_ipv4_packets_that_may_be_cut(narrow, detour):
    way = detour(narrow.fw, "eth0", "eth1")
    with way.watch() as went:
        result = ping(narrow.cli, "198.51.100.1", count=50, size_bytes=1400, options=("-M", "dont"))
    assert (result.lost, result.duplicates) == (0, 0)
    assert went.whole("in", 50, "eth0") and went.whole("out", 100, "eth1")


def test_what_a_hook_drops_makes_no_answer(narrow, detour):
    way = detour(narrow.fw, "eth0", "eth1")
    guard(way.daemon, "cbpf:long", "greater 1300", kind="ethernet", direction="i")
    for family in FAMILIES:
        with FramePort(narrow.cli) as port:
            assert unanswered(narrow.cli, getattr(narrow.srv.eth0, family), count=1, size_bytes=1400, options=("-M", "do"))
            assert port.receive(says_too_big, timeout_s=0.3) == []


# traceroute


@pytest.mark.parametrize("method", ["udp", "icmp"])
def test_traceroute_finds_each_hop_once(router_lab, detour, method):
    way = detour(router_lab.fw, "eth0", "eth1")
    for family in FAMILIES:
        hops = [getattr(router_lab.fw.eth0, family), getattr(router_lab.srv.eth0, family)]
        options = ["-I"] if method == "icmp" else []
        for address in hops:
            ping(router_lab.cli, address, count=1)
        with way.watch() as went:
            said = router_lab.cli.run("traceroute", "-n", "-q", "3", "-w", "1", *options, hops[-1]).stdout
        assert went.whole("in", 6, "eth0") and went.whole("out", 3, "eth1")
        lines = [line.split() for line in said.splitlines()[1:]]
        assert [line[:2] for line in lines] == [["1", hops[0]], ["2", hops[1]]], said
        assert all(len(re.findall(r"[\d.]+ +ms", " ".join(line))) == 3 and "*" not in line for line in lines), said


def test_a_packet_that_is_out_of_hops_is_answered_once(router_lab, detour):
    way = detour(router_lab.fw, "eth0", "eth1")
    for family in FAMILIES:
        name = f"cbpf:expired-{family}"
        guard(way.daemon, name, *EXPIRED[family], direction="o", on_match="count")
        ping(router_lab.cli, getattr(router_lab.srv.eth0, family), count=1)
        assert unanswered(router_lab.cli, getattr(router_lab.srv.eth0, family), count=1, options=("-t", "1"))
        assert wait_until(lambda: counted(way.daemon, name)["matched"] == 1)  # noqa: B023


EXPIRED = {"ipv4": ("icmp[icmptype] == icmp-timxceed", "inet"), "ipv6": ("ip6 proto 58 and ip6[40] == 3", "inet6")}


# Addresses that are rewritten


MASQUERADE = """
table inet nat {
    chain out {
        type nat hook postrouting priority 100
        oifname "eth1" masquerade
    }
}
"""


def test_masqueraded_connections_work_and_srv_sees_the_router(router_lab, detour, serve_http):
    way = detour(router_lab.fw, "eth0", "eth1")
    router_lab.fw.run("nft", "-f", "-", stdin=MASQUERADE)
    server = serve_http(router_lab.srv)
    for address in ("198.51.100.1", "2001:db8:2::1"):
        with Listener(router_lab.srv) as listener:
            send(router_lab.cli, address, count=5)
            assert wait_until(lambda: len(listener.heard()) >= 5)
            heard = listener.heard()
        assert [one.data for one in heard] == [content(100)] * 5
        assert {one.source for one in heard} == {"2001:db8:2::2" if ":" in address else "198.51.100.2"}
        assert server.download(router_lab.cli, address, 5_000_000).ok
        assert ping(router_lab.cli, address, count=20).lost == 0
    assert_balanced(way.daemon)


# Bridge

BRIDGED = {"cli": ("203.0.113.1", "2001:db8:b::1"), "fw": ("203.0.113.2", "2001:db8:b::2"), "srv": ("203.0.113.3", "2001:db8:b::3")}


@pytest.fixture
def bridged(router_lab):
    """cli, fw and srv on one Ethernet, of which fw is the bridge; fw has its addresses on it."""
    fw = router_lab.fw
    fw.run("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0")
    fw.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    for interface in ("eth0", "eth1"):
        fw.run("ip", "address", "flush", "dev", interface)
        fw.run("ip", "link", "set", interface, "master", "br0")
    fw.run("ip", "link", "set", "br0", "up")
    for host, interface in ((router_lab.cli, "eth0"), (fw, "br0"), (router_lab.srv, "eth0")):
        ipv4, ipv6 = BRIDGED[host.namespace.rsplit("-", 1)[1]]
        host.run("ip", "address", "add", f"{ipv4}/24", "dev", interface)
        host.run("ip", "address", "add", f"{ipv6}/64", "dev", interface, "nodad")
    # The kernel brings IPv6 up some time after the bridge; until then neighbours get no answer.
    assert wait_until(lambda: "fe80:" in fw.run("ip", "-6", "address", "show", "dev", "br0", "scope", "link").stdout)
    return router_lab


def learned(fw):
    """{MAC: port} of what the bridge has learned; addresses of its own are left out."""
    entries = json.loads(fw.run("bridge", "-j", "fdb", "show", "br", "br0").stdout)
    return {one["mac"]: one["ifname"] for one in entries if one.get("state") != "permanent"}


@pytest.mark.parametrize("number", [0, 1], ids=FAMILIES)
def test_a_bridge_carries_both_families_and_its_own_and_learns_where_hosts_are(bridged, detour, number):
    way = detour(bridged.fw, "eth0", "eth1")
    address = {host: addresses[number] for host, addresses in BRIDGED.items()}
    with way.watch() as went:
        for source, target in (("cli", "srv"), ("srv", "cli"), ("cli", "fw"), ("srv", "fw"), ("fw", "cli"), ("fw", "srv")):
            result = ping(getattr(bridged, source), address[target], count=50)
            assert (result.lost, result.duplicates) == (0, 0), (source, target)
    for interface in ("eth0", "eth1"):
        assert went.whole("in", 200, interface) and went.whole("out", 200, interface)
    assert learned(bridged.fw) == {bridged.cli.eth0.mac: "eth0", bridged.srv.eth0.mac: "eth1"}


def test_tcp_through_a_bridge_and_to_it_arrives_unchanged(bridged, detour, serve_http):
    way = detour(bridged.fw, "eth0", "eth1")
    for host in ("srv", "fw"):
        server = serve_http(getattr(bridged, host))
        for address in BRIDGED[host]:
            for transfer in (server.download, server.upload):
                done = transfer(bridged.cli, address, 5_000_000)
                assert done.ok, (address, done.error)
        server.close()
    assert_balanced(way.daemon)


def test_a_bridge_floods_a_frame_to_an_unknown_mac_once_and_does_not_take_it(bridged, detour):
    way = detour(bridged.fw, "eth0", "eth1")
    assert ping(bridged.cli, "203.0.113.2", count=1).lost == 0
    br0 = json.loads(bridged.fw.run("ip", "-j", "link", "show", "dev", "br0").stdout)[0]["address"]
    counting = Seen(bridged.fw, {"input": {"taken": "udp dport 9"}})
    frames = {
        mac: Ether(src=bridged.cli.eth0.mac, dst=mac) / IP(src="203.0.113.1", dst="203.0.113.2") / UDP(sport=9, dport=9) / Raw(mac)
        for mac in (STRANGER, br0)
    }
    ends = FramePort(bridged.cli), FramePort(bridged.srv)
    with ends[0] as port, ends[1] as far, Listener(bridged.fw) as listener, counting as seen, way.watch() as went:
        port.send(frames[STRANGER], frames[br0])
        arrived = far.receive(lambda packet: UDP in packet, watch_s=0.3)
        assert wait_until(listener.heard)
        assert [one.data.decode() for one in listener.heard()] == [br0]
        assert seen.counts() == {"input taken": 1}
    assert [one.bytes for one in arrived] == [bytes(frames[STRANGER])]
    assert went.whole("in", 2, "eth0") and went.whole("out", 1, "eth1")
