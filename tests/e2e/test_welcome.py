# SPDX-License-Identifier: BSD-2-Clause
"""What rules allow arrives, however odd it looks: the other side of test_attack_table.py. Of each there is a twin that is stopped."""
import json
import socket
import struct

import pytest
from scapy.all import (
    IP,
    UDP,
    Dot1AD,
    Dot1Q,
    Ether,
    ICMPv6MLQuery2,
    ICMPv6MLReport2,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    Raw,
    RouterAlert,
)

from harness.datagrams import Listener, content, send
from harness.doors import ALLOWED, BLOCKED
from harness.frames import FramePort
from harness.judges import assert_ends_well, wait_until
from harness.rules import guard

RUNS = pytest.mark.parametrize("run", ["engine", "kernel"])
ALL_NODES, ALL_MLD_ROUTERS = "ff02::1", "ff02::16"

# Inside a host: `-c RAW FAMILY PROTOCOL [GROUP]` prints a line for each packet that a raw socket receives, in hex.
RAW = """
import socket, struct, sys
family, protocol = int(sys.argv[1]), int(sys.argv[2])
raw = socket.socket(family, socket.SOCK_RAW, protocol)
for group in sys.argv[3:]:
    raw.setsockopt(41, 20, socket.inet_pton(family, group) + struct.pack("i", socket.if_nametoindex("eth0")))
print("listening", flush=True)
while True:
    print(raw.recv(65536).hex(), flush=True)
"""


@pytest.fixture
def raw_socket(request):
    """raw_socket(host, family, protocol, group ..): a function that returns what it has received so far."""

    def listen(host, family, protocol, *groups):
        process = host.popen("/usr/bin/python3", "-c", RAW, int(family), protocol, *groups)
        request.addfinalizer(process.close)
        process.wait_for_output("listening")
        return lambda: [bytes.fromhex(line) for line in process.stdout.splitlines()[1:]]

    return listen


@pytest.fixture
def daemon(host_lab, start_pfild):
    one = start_pfild(host_lab.fw)
    one.bpfctl("attach", "eth0")
    yield one
    assert_ends_well(one)


def rules(daemon, expression, on_match, run):
    """Of both families; `expression` speaks of ports only."""
    for kind, family in (("inet", "ip"), ("inet6", "ip6")):
        guard(daemon, f"cbpf:{kind}", f"{family} and ({expression})", kind, direction="i", on_match=on_match, run=run)


def to_group(lab, group, above, hop_limit=1):
    """From the client's link-local address, with a router alert."""
    mac = "33:33:" + ":".join(f"{byte:02x}" for byte in socket.inet_pton(socket.AF_INET6, group)[-4:])
    header = IPv6(src="fe80::1", dst=group, hlim=hop_limit) / IPv6ExtHdrHopByHop(options=[RouterAlert()])
    return Ether(src=lab.cli.eth0.mac, dst=mac) / header / above


@RUNS
def test_listener_discovery_arrives_where_all_but_one_port_is_closed(host_lab, daemon, raw_socket, run):
    rules(daemon, f"dst port {ALLOWED}", "pass", run)
    received = raw_socket(host_lab.fw, socket.AF_INET6, 58, ALL_NODES, ALL_MLD_ROUTERS)
    with FramePort(host_lab.cli) as port:
        port.send(to_group(host_lab, ALL_NODES, ICMPv6MLQuery2(mrd=77), hop_limit=64))
        port.send(to_group(host_lab, ALL_NODES, ICMPv6MLQuery2(mrd=1)))
        port.send(to_group(host_lab, ALL_MLD_ROUTERS, ICMPv6MLReport2()))
        answers = port.receive(lambda packet: ICMPv6MLReport2 in packet, timeout_s=5)
    assert answers, "the host has not answered the query"
    assert wait_until(lambda: {130, 143} <= {message[0] for message in received()})
    assert not [message for message in received() if message[0] == 130 and message[4:6] == struct.pack("!H", 77)], "hop limit 64"


@RUNS
def test_esp_arrives_and_other_protocols_do_not(host_lab, daemon, raw_socket, run):
    guard(daemon, "cbpf:inet", "ip proto 50", "inet", direction="i", on_match="pass", run=run)
    guard(daemon, "cbpf:inet6", "ip6 proto 50", "inet6", direction="i", on_match="pass", run=run)
    families = {"ipv4": (socket.AF_INET, IP, "proto"), "ipv6": (socket.AF_INET6, IPv6, "nh")}
    for name, (family, layer, field) in families.items():
        esp, other = (raw_socket(host_lab.fw, family, number) for number in (50, 253))
        header = {"src": getattr(host_lab.cli.eth0, name), "dst": getattr(host_lab.fw.eth0, name)}
        link = Ether(src=host_lab.cli.eth0.mac, dst=host_lab.fw.eth0.mac)
        with FramePort(host_lab.cli) as port:
            for number in (253, 50):
                port.send(link / layer(**header, **{field: number}) / Raw(b"security parameters, " * 3))
                if layer is IPv6:
                    port.send(link / layer(**header) / IPv6ExtHdrDestOpt(nh=number) / Raw(b"security parameters, " * 3))
        assert wait_until(lambda: len(esp()) == (2 if name == "ipv6" else 1)), (name, esp())  # noqa: B023
        assert other() == []


def assert_arrive(lab, size_bytes):
    """Datagrams of both families at the open port, and none at the closed one."""
    with Listener(lab.fw, ALLOWED) as allowed, Listener(lab.fw, BLOCKED) as closed:
        for address in (lab.fw.eth0.ipv4, lab.fw.eth0.ipv6):
            send(lab.cli, address, size_bytes, count=5, port=BLOCKED)
            send(lab.cli, address, size_bytes, count=20, port=ALLOWED)
        assert wait_until(lambda: len(allowed.heard()) == 40), len(allowed.heard())
        assert all(one.data == content(size_bytes) for one in allowed.heard())
        assert closed.heard() == []


@RUNS
def test_datagrams_in_fragments_arrive_at_an_open_port_and_not_at_a_closed_one(host_lab, daemon, run):
    """8,000 bytes in six fragments."""
    rules(daemon, f"dst port {BLOCKED}", "drop", run)
    assert_arrive(host_lab, 8000)


@RUNS
def test_jumbo_frames_arrive_at_the_one_open_port(host_lab, daemon, run):
    host_lab.set_mtu(9000)
    assert wait_until(lambda: daemon.bpfctl.interface("eth0")["mtu"] == 9000)
    rules(daemon, f"dst port {ALLOWED}", "pass", run)
    assert_arrive(host_lab, 8900)


@pytest.fixture
def bridged(router_lab):
    """cli and srv on one Ethernet, with the firewall as a bridge that has no address."""
    fw = router_lab.fw
    fw.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    for interface in ("eth0", "eth1"):
        fw.run("ip", "address", "flush", "dev", interface)
        fw.run("ip", "link", "set", interface, "master", "br0")
    fw.run("ip", "link", "set", "br0", "up")
    forwarding = lambda: all(one["state"] == "forwarding" for one in json.loads(fw.run("bridge", "-j", "link").stdout))  # noqa: E731
    assert wait_until(forwarding)
    return router_lab


# What it is; tags; whether a rule on a port sees it: real tags beyond two are nobody's business but an Ethernet hook's.
QINQ = [
    ("one real tag", Dot1Q(vlan=5), True),
    ("802.1Q in 802.1ad", Dot1AD(vlan=100) / Dot1Q(vlan=5, prio=3), True),
    ("the same behind a priority tag", Dot1Q(vlan=0, prio=7) / Dot1AD(vlan=100) / Dot1Q(vlan=5), True),
    ("the same around a priority tag", Dot1AD(vlan=100) / Dot1Q(vlan=0) / Dot1Q(vlan=5), True),
    ("three real tags", Dot1AD(vlan=100) / Dot1Q(vlan=5) / Dot1Q(vlan=6), False),
    ("a label of pfild's own", Dot1AD(vlan=0, prio=5) / Dot1Q(vlan=5), True),
]  # fmt: skip


@RUNS
def test_stacked_tags_cross_a_bridge_as_they_were(bridged, start_pfild, run):
    daemon = start_pfild(bridged.fw)
    daemon.bpfctl("attach", "eth0")
    rules(daemon, f"dst port {BLOCKED}", "drop", run)
    link = Ether(src=bridged.cli.eth0.mac, dst=bridged.srv.eth0.mac)
    headers = (IP(src="192.0.2.1", dst="198.51.100.1"), IPv6(src="2001:db8:1::1", dst="2001:db8:2::1"))
    sent, right = [], set()
    for port in (ALLOWED, BLOCKED):
        for number, (_what, tags, seen) in enumerate(QINQ):
            for header in headers:
                frame = bytes(link / tags / header / UDP(sport=1000 + number, dport=port) / Raw(b"pfild-qinq" * 5))
                sent.append(frame)
                if port == ALLOWED or not seen:
                    right.add(frame)
    with FramePort(bridged.srv) as receiving, FramePort(bridged.cli) as sending:
        sending.send_last(*sent)
        seen = receiving.receive(lambda packet: b"pfild-qinq" in bytes(packet), len(right), watch_s=0.2)
    assert {one.bytes for one in seen} == right and len(seen) == len(right)
    assert_ends_well(daemon)
