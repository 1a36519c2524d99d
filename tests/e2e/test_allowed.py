# SPDX-License-Identifier: BSD-2-Clause
"""What rules allow arrives where they forbid all else: protocols without ports, behind options and extension headers too, and frames
of a VLAN within a VLAN that go through a bridge. That nothing else does: test_attack_table.py. Listener discovery: test_odd_frames.py."""
import json

import pytest
from scapy.all import IP, UDP, Dot1AD, Dot1Q, Ether, IPOption_NOP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN, Raw

from harness.frames import FramePort
from harness.judges import assert_ends_well, wait_until
from harness.rules import guard

ESP, GRE = 50, 47
RUNS = pytest.mark.parametrize("run", ["engine", "kernel"])
_RAW_LISTENER = """
import json, socket, sys
family, protocol = getattr(socket, sys.argv[1]), int(sys.argv[2])
with socket.socket(family, socket.SOCK_RAW, protocol) as raw:
    print("listening", flush=True)
    while True:
        got = raw.recv(65536)
        print(json.dumps((got[4 * (got[0] & 15) :] if sys.argv[1] == "AF_INET" else got).hex()), flush=True)
"""


def heard(listener):
    """What is behind the IP header and its extensions, of each packet."""
    return [bytes.fromhex(json.loads(line)) for line in listener.stdout.splitlines()[1:]]


def raw_listener(host, family, protocol):
    listener = host.popen("/usr/bin/python3", "-c", _RAW_LISTENER, {"ip": "AF_INET", "ip6": "AF_INET6"}[family], protocol)
    listener.wait_for_output("listening")
    return listener


def headers(family, sender, target, protocol):
    """IP headers that a packet of the protocol may have."""
    if family == "ip":
        yield IP(src=sender.ipv4, dst=target.ipv4, proto=protocol)
        yield IP(src=sender.ipv4, dst=target.ipv4, proto=protocol, options=[IPOption_NOP()] * 4)
        return
    for kinds in ([], [IPv6ExtHdrDestOpt], [IPv6ExtHdrHopByHop, IPv6ExtHdrDestOpt]):
        layers = [IPv6(src=sender.ipv6, dst=target.ipv6), *(kind(options=[PadN(optdata=b"\0" * 4)]) for kind in kinds)]
        layers[-1].nh = protocol
        packet = layers[0]
        for layer in layers[1:]:
            packet = packet / layer
        yield packet


@pytest.mark.parametrize("family", ["ip", "ip6"])
@pytest.mark.parametrize("direction", ["in", "out"])
@RUNS
def test_esp_arrives_where_it_alone_is_allowed(host_lab, start_pfild, run, direction, family):
    cli, fw = host_lab.cli, host_lab.fw
    sender, target = (cli, fw) if direction == "in" else (fw, cli)
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "eth0")
    allowed = f"ip proto {ESP}" if family == "ip" else f"ip6 proto {ESP}"
    guard(daemon, "cbpf:esp", allowed, {"ip": "inet", "ip6": "inet6"}[family], direction=direction[0], on_match="pass", run=run)
    sent = {protocol: [header / Raw(bytes([number]) * 40) for number, header in enumerate(headers(family, sender.eth0, target.eth0, protocol))]
            for protocol in (ESP, GRE)}  # fmt: skip
    esp, gre = (raw_listener(target, family, protocol) for protocol in (ESP, GRE))
    with FramePort(sender) as port:
        for _ in range(2):
            port.send(*[Ether(src=sender.eth0.mac, dst=target.eth0.mac) / packet for of in sent.values() for packet in of])
        wanted = 2 * [bytes([number]) * 40 for number in range(len(sent[ESP]))]
        assert wait_until(lambda: sorted(heard(esp)) == sorted(wanted)), heard(esp)  # the engine has some of them
        assert heard(gre) == []
    assert_ends_well(daemon)


def test_a_vlan_in_a_vlan_goes_through_a_bridge_where_it_alone_is_allowed(bridged, start_pfild):
    daemon = start_pfild(bridged.fw)
    for interface in ("eth0", "eth1"):
        daemon.bpfctl("attach", interface)
        what = ("--filter", "vlan 6 and vlan 5 and udp dst port 7", "--on-match", "pass", "--type", "ethernet")
        daemon.bpfctl("hook", "add", f"cbpf:{interface}", *what)
        daemon.bpfctl("link", "-i", "-o", f"cbpf:{interface}", interface)
    source = "02:00:00:00:09:09"
    link = Ether(src=source, dst=bridged.srv.eth0.mac)
    inner = [IP(src="203.0.113.1", dst="203.0.113.2"), IPv6(src="2001:db8:f::1", dst="2001:db8:f::2")]
    allowed = [link / Dot1AD(vlan=6) / Dot1Q(vlan=5, prio=3) / network / UDP(sport=9, dport=7) / Raw(b"pfild" * 12) for network in inner]
    others = [link / tags / network / UDP(sport=9, dport=7) / Raw(b"pfild" * 12)
              for tags in (Dot1AD(vlan=7) / Dot1Q(vlan=5), Dot1AD(vlan=6), Dot1Q(vlan=5)) for network in inner]  # fmt: skip
    others += [link / Dot1AD(vlan=6) / Dot1Q(vlan=5) / network / UDP(sport=9, dport=8) / Raw(b"pfild" * 12) for network in inner]
    with FramePort(bridged.cli) as leaving, FramePort(bridged.srv) as arriving:
        leaving.send(*others, *allowed, *others, *allowed)
        seen = arriving.receive(lambda packet: packet.src == source, 4, watch_s=0.3)
    assert [one.bytes for one in seen] == 2 * [bytes(packet) for packet in allowed]
    assert_ends_well(daemon, "eth0", "eth1")
