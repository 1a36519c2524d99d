# SPDX-License-Identifier: BSD-2-Clause
"""Frames arrive byte for byte as they were sent, with all their tags, wherever the kernel keeps the outermost one.

A tag is in the packet, or beside it in the skb. The kernel moves the outermost tag of what an interface receives beside it; what a
raw socket sends has it in the packet; what a bridge passes on from one interface to another has it beside it. So IN meets the
second kind, OUT by a raw socket the first, OUT by a bridge the second.
"""
import pytest
from scapy.all import ICMP, IP, UDP, Dot1AD, Dot1Q, Ether, IPv6, Raw

from harness.frames import FramePort
from harness.judges import assert_balanced

INET = IP(src="203.0.113.1", dst="203.0.113.2") / UDP(sport=7, dport=7) / Raw(b"pfild" * 12)
INET6 = IPv6(src="2001:db8:f::1", dst="2001:db8:f::2") / UDP(sport=7, dport=7) / Raw(b"pfild" * 12)
UNKNOWN = Raw(b"\x88\xb5" + b"a protocol for experiments " * 3)  # an Ethernet type and what follows

# what it is; what follows the addresses of the Ethernet header
ROWS = [
    ("no tag", INET),
    ("802.1Q", Dot1Q(vlan=5) / INET),
    ("802.1Q over IPv6", Dot1Q(vlan=5) / INET6),
    ("802.1Q with every bit of priority and the drop bit", Dot1Q(vlan=4094, prio=7, id=1) / INET),
    ("802.1Q that is only a priority", Dot1Q(vlan=0, prio=5) / INET),
    ("802.1ad", Dot1AD(vlan=6) / INET),
    ("802.1ad that looks like our label", Dot1AD(vlan=1, prio=5) / INET),
    ("802.1ad that looks like our label of a forwarded packet, twice", Dot1AD(vlan=1, prio=5) / Dot1AD(vlan=1, prio=5) / INET),
    ("802.1Q in 802.1ad", Dot1AD(vlan=6) / Dot1Q(vlan=5) / INET6),
    ("802.1Q in 802.1Q", Dot1Q(vlan=7) / Dot1Q(vlan=5) / INET),
    ("802.1ad in 802.1Q", Dot1Q(vlan=7) / Dot1AD(vlan=5) / INET),
    ("three tags", Dot1AD(vlan=6) / Dot1Q(vlan=7, prio=1) / Dot1Q(vlan=5) / INET),
    ("a type nobody knows", UNKNOWN),
    ("802.1Q and a type nobody knows", Raw(b"\x81\x00\x60\x05") / UNKNOWN),
    ("802.1Q with the longest packet", Dot1Q(vlan=5) / IP(src="203.0.113.1", dst="203.0.113.2") / UDP() / Raw(b"x" * 1472)),
    ("the shortest frame there is", Raw(b"\x88\xb5")),
    ("the shortest frame with a tag that the kernel receives", Raw(b"\x81\x00\x00\x05\x88\xb5??")),
]  # fmt: skip


def frame(source, target, above):
    """Its bytes. Raw begins with the type; other layers tell it themselves."""
    if isinstance(above, Raw):
        return bytes.fromhex((target + source).replace(":", "")) + bytes(above)
    return bytes(Ether(src=source, dst=target) / above)


def batch(source, target):
    """All rows; each frame differs from each other."""
    frames = [frame(source, target, above) for _, above in ROWS]
    assert len(set(frames)) == len(frames)
    return frames


def assert_same(sent, seen, copies=1):
    """Each frame arrived so many times, in the order of sending."""
    for number, (sentence, _) in enumerate(ROWS):
        assert seen.count(sent[number]) == copies, (sentence, sent[number].hex(), [one.hex() for one in seen])
    firsts = list(dict.fromkeys(seen))
    assert firsts == sent


def from_source(source):
    return lambda packet: packet.src == source


SOURCE = "02:00:00:00:09:09"  # so that frames of the stacks are told apart


def test_tags_in_the_packet_leave_the_host_as_they_were_sent(host_lab, detour):
    way = detour(host_lab.fw)
    sent = batch(SOURCE, host_lab.cli.eth0.mac)
    with FramePort(host_lab.cli) as arriving, FramePort(host_lab.fw) as leaving, way.watch() as went:
        leaving.send(*sent)
        arrived = arriving.receive(from_source(SOURCE), len(sent))
        left = leaving.receive_outgoing(from_source(SOURCE), len(sent))
    assert went.whole("out", len(sent))
    assert_same(sent, [one.bytes for one in arrived])
    assert_same(sent, [one.bytes for one in left])  # a tap there sees what goes onto the wire, once


@pytest.mark.tc_only("XDP does not see tags beside a packet: a limit")
def test_tags_beside_the_packet_come_into_the_host_as_they_were_sent(host_lab, detour):
    way = detour(host_lab.fw)
    sent = batch(SOURCE, host_lab.fw.eth0.mac)
    with FramePort(host_lab.cli) as leaving, FramePort(host_lab.fw) as arriving, way.watch() as went:
        leaving.send(*sent)
        arrived = arriving.receive(from_source(SOURCE), 2 * len(sent))
        assert arriving.receive(from_source(SOURCE), timeout_s=0.2) == []
    assert went.whole("in", len(sent))
    # A tap before the head sees them come and come back (a limit that the README names): both must be right.
    assert_same(sent, [one.bytes for one in arrived], copies=2)
    tagged = [one for one in arrived if one.bytes[12:14] in (b"\x81\x00", b"\x88\xa8")]
    assert len(tagged) == 2 * 14 and all(one.tag_in_metadata for one in tagged)


@pytest.mark.parametrize("back", [False, True], ids=["to_srv", "to_cli"])
def test_tags_beside_the_packet_go_through_a_bridge_and_leave_as_they_were_sent(bridged, detour, back):
    way = detour(bridged.fw, "eth0", "eth1")
    sender, receiver = (bridged.srv, bridged.cli) if back else (bridged.cli, bridged.srv)
    first, second = ("eth1", "eth0") if back else ("eth0", "eth1")
    sent = batch(SOURCE, receiver.eth0.mac)
    with FramePort(sender) as leaving, FramePort(receiver) as arriving, way.watch() as went:
        leaving.send(*sent)
        arrived = arriving.receive(from_source(SOURCE), len(sent))
        assert arriving.receive(from_source(SOURCE), timeout_s=0.2) == []
    assert went.whole("in", len(sent), first) and went.whole("out", len(sent), second)
    assert_same(sent, [one.bytes for one in arrived])
    assert_balanced(way.daemon)


def test_a_ping_that_has_a_priority_tag_is_answered_once(host_lab, detour):
    way = detour(host_lab.fw)
    cli, fw = host_lab.cli.eth0, host_lab.fw.eth0
    echo = Ether(src=cli.mac, dst=fw.mac) / Dot1Q(vlan=0, prio=5) / IP(src=cli.ipv4, dst=fw.ipv4) / ICMP(id=77) / b"pfild"
    with FramePort(host_lab.cli) as port, way.watch() as went:
        port.send(echo)
        answers = port.receive(lambda packet: ICMP in packet and packet[ICMP].id == 77, watch_s=0.3)
    assert went.whole("in", 1) and went.whole("out", 1)
    assert [one.packet[ICMP].type for one in answers] == [0]


def test_a_ping_with_the_tag_of_a_vlan_is_not_for_the_host_and_not_answered(host_lab, detour):
    way = detour(host_lab.fw)
    cli, fw = host_lab.cli.eth0, host_lab.fw.eth0
    echo = Ether(src=cli.mac, dst=fw.mac) / Dot1Q(vlan=5) / IP(src=cli.ipv4, dst=fw.ipv4) / ICMP(id=77) / b"pfild"
    with FramePort(host_lab.cli) as port, way.watch() as went:
        port.send(echo)
        assert way.comes("in", 1)
        answers = port.receive(lambda packet: ICMP in packet and packet[ICMP].id == 77, timeout_s=0.3)
    assert went.whole("in", 1)
    assert answers == []
