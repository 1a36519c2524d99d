# SPDX-License-Identifier: BSD-2-Clause
"""Rules about ports see what the host's stack will see, however a packet is wrapped.

A host has two open ports. A SYN to each comes behind tags, extension headers, in fragments. The judge is the stack: first nothing
guards it, and it says which SYNs it takes. Then rules forbid one port: no SYN to it may be answered, and of the SYNs to the other all
that were, but for those that are too odd for any port.
"""
import pytest
from scapy.all import AH, IP, TCP, Dot1AD, Dot1Q, Ether, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw
from scapy.all import ICMPv6MLQuery2, ICMPv6MLReport2, IPv6ExtHdrRouting, PadN, RouterAlert

from harness.datagrams import Listener, send
from harness.frames import FramePort
from harness.judges import wait_until
from harness.knocker import Knocker
from harness.open_ports import OpenPorts
from harness.rules import guard

FORBIDDEN, ALLOWED = 23, 24

# How a rule is made that forbids port 23 and no other of the two: type of the head is that of the packets, or ethernet.
RULES = {
    "drop": dict(expression=f"tcp dst port {FORBIDDEN}", on_match="drop", run="engine"),
    "drop-kernel": dict(expression=f"tcp dst port {FORBIDDEN}", on_match="drop", run="kernel"),
    "deny": dict(expression=f"tcp dst port {ALLOWED}", on_match="pass", run="engine"),
    "deny-kernel": dict(expression=f"tcp dst port {ALLOWED}", on_match="pass", run="kernel"),
    "deny-all-but": dict(expression=f"not tcp dst port {FORBIDDEN} and not ip6 proto 59", on_match="pass", run="engine"),
    "ethernet-drop": dict(expression=f"tcp dst port {FORBIDDEN}", on_match="drop", run="engine", kind="ethernet"),
    "ethernet-deny": dict(expression=f"tcp dst port {ALLOWED}", on_match="pass", run="engine", kind="ethernet"),
    "ethernet-deny-kernel": dict(expression=f"tcp dst port {ALLOWED}", on_match="pass", run="kernel", kind="ethernet"),
}
EVERY_RULE = pytest.mark.parametrize("rule", RULES)
EVERY_FAMILY = pytest.mark.parametrize("family", ["inet", "inet6"])


@pytest.fixture
def knock(host_lab):
    """knock(frames_of, names, family): the names whose SYN to each port is answered, by port."""
    with OpenPorts(host_lab.fw, FORBIDDEN, ALLOWED), Knocker(host_lab.cli) as knocker:

        def ask(frames_of, names, family):
            return {
                port: knocker.answered(
                    lambda name, source: frames_of(name, source, port), names, lambda source: [by_engine(family, source)]
                )
                for port in (FORBIDDEN, ALLOWED)
            }

        host_lab.cli.run("ping", "-c", "1", host_lab.fw.eth0.ipv6)  # they know each other's addresses
        host_lab.cli.run("ping", "-c", "1", host_lab.fw.eth0.ipv4)
        yield ask


@pytest.fixture
def judged(host_lab, start_pfild, knock):
    """judged(rule, frames_of, names, family, ends=names): as the head of this file says. `ends`: those that are too odd."""

    def judge(rule, frames_of, names, family, ends=(), options=(), config=None):
        daemon = start_pfild(host_lab.fw, options=options, config=config)
        daemon.bpfctl("attach", "eth0")
        taken = unguarded(knock, frames_of, tuple(names), family)
        rules = {"kind": family, **RULES[rule]}
        guard(daemon, direction="i", **rules)
        guarded = knock(frames_of, names, family)
        assert guarded[FORBIDDEN] == set(), "these led past the rule"
        assert guarded[ALLOWED] == taken[ALLOWED] - set(ends), "these were stopped for nothing, or should have been"
        again = knock(frames_of, names, family)  # the kernel may know flows by now
        assert again == guarded
        return daemon, taken[ALLOWED]

    return judge


_unguarded = {}


def unguarded(knock, frames_of, names, family):
    """What the stack takes behind a daemon without rules; asked once, as it is the same for each of them."""
    key = (frames_of.__qualname__, names, family)
    if key not in _unguarded:
        _unguarded[key] = knock(frames_of, names, family)
    taken = _unguarded[key]
    assert taken[FORBIDDEN] == taken[ALLOWED] and taken[ALLOWED], "unguarded, the stack makes no difference"
    return taken


def link():
    return Ether(src="02:00:00:00:01:01", dst="02:00:00:00:01:02")


def network(family):
    return IP(src="192.0.2.1", dst="192.0.2.2") if family == "inet" else IPv6(src="2001:db8:1::1", dst="2001:db8:1::2")


def syn(source, port):
    return TCP(sport=source, dport=port, flags="S", seq=1)


def by_engine(family, source):
    """A SYN that is allowed and that no head decides, so that it overtakes none that the engine must see."""
    return link() / Dot1Q(vlan=0) / Dot1Q(vlan=0) / Dot1Q(vlan=0) / network(family) / syn(source, ALLOWED)


# --- F6: tags of VLAN 0 ---

TAGS = [[]] + [[kind] * count for kind in (Dot1Q, Dot1AD) for count in (1, 2, 3, 4, 5, 8, 20, 100)]
TAGS += [[Dot1Q, Dot1AD, Dot1Q, Dot1AD], [Dot1AD, Dot1Q, Dot1AD, Dot1Q, Dot1Q]]


def behind_tags(family):
    def frames(name, source, port):
        frame = link()
        for tag in TAGS[name]:
            frame /= tag(vlan=0, prio=name % 8)
        return [frame / network(family) / syn(source, port)]

    return frames


@EVERY_FAMILY
@EVERY_RULE
def test_tags_of_vlan_0_lead_past_no_rule(judged, rule, family):
    _, taken = judged(rule, behind_tags(family), range(len(TAGS)), family)
    assert taken == set(range(len(TAGS))), "the stack looks through all of them"


@EVERY_FAMILY
def test_tags_of_vlan_0_lead_past_no_rule_without_known_flows(judged, family):
    judged("drop", behind_tags(family), range(len(TAGS)), family, options=("--no-cache",))


# --- F7: extension headers ---

PADDED = PadN(optdata=b"\0" * 4)


def hop_by_hop():
    return IPv6ExtHdrHopByHop(options=[PADDED])


def destination(eights=0):
    return IPv6ExtHdrDestOpt(options=[PADDED] + [PadN(optdata=b"\0" * 6)] * eights)


def routing(kind=2, left=0):
    return IPv6ExtHdrRouting(type=kind, segleft=left, addresses=["2001:db8:1::2"] if kind in (0, 2) else [])


def atomic():
    return IPv6ExtHdrFragment(offset=0, m=0, id=7)


# name -> what stands between the IPv6 header and TCP
EXTENSIONS = {
    "nothing": [],
    "destination options": [destination()],
    "destination options, long": [destination(8)],
    "destination options twice": [destination(), destination()],
    "destination options of 256 bytes": [destination(15), destination(15)],
    "hop-by-hop": [hop_by_hop()],
    "routing of type 2": [routing()],
    "routing of type 4": [routing(4)],
    "an atomic fragment": [atomic()],
    "authentication": [AH(nh=6, payloadlen=4, spi=1, seq=1, icv=b"\0" * 12)],
    "hop-by-hop, destination options": [hop_by_hop(), destination()],
    "destination options, routing, destination options": [destination(), routing(), destination()],
    "hop-by-hop, destination options, routing, atomic fragment, destination options": [
        hop_by_hop(), destination(), routing(), atomic(), destination()
    ],
    "an atomic fragment, destination options": [atomic(), destination()],
}  # fmt: skip
# These end in the engine, whatever the rules say.
BAD_EXTENSIONS = {
    "routing of type 0": [routing(0)],
    "routing of type 0 behind destination options": [destination(), routing(0)],
    "destination options three times": [destination(), destination(), destination()],
    "destination options eight times": [destination()] * 8,
    "destination options of 264 bytes": [destination(16), destination(15)],
    "routing twice": [routing(), routing()],
    "routing behind an atomic fragment": [atomic(), routing()],
    "hop-by-hop twice": [hop_by_hop(), hop_by_hop()],
    "hop-by-hop behind destination options": [destination(), hop_by_hop()],
    "two atomic fragments": [atomic(), atomic()],
}


def behind_extensions(name, source, port):
    packet = network("inet6")
    for header in {**EXTENSIONS, **BAD_EXTENSIONS}[name]:
        packet /= header
    return [link() / packet / syn(source, port)]


@EVERY_RULE
def test_extension_headers_lead_past_no_rule(judged, rule):
    daemon, taken = judged(rule, behind_extensions, [*EXTENSIONS, *BAD_EXTENSIONS], "inet6", ends=BAD_EXTENSIONS)
    assert {"nothing", "destination options", "hop-by-hop", "routing of type 2", "an atomic fragment"} <= taken
    assert "destination options eight times" in taken, "the stack takes what the engine drops"
    assert stats(daemon)["engine_dropped_extension"] == 2 * 2 * len(BAD_EXTENSIONS)


def test_extension_headers_lead_past_no_rule_without_known_flows(judged):
    judged("drop", behind_extensions, [*EXTENSIONS, *BAD_EXTENSIONS], "inet6", ends=BAD_EXTENSIONS, options=("--no-cache",))


@pytest.mark.parametrize("rule", ["drop", "drop-kernel", "deny"])
def test_no_extension_header_passes_where_none_is_wanted(judged, rule):
    odd = [*EXTENSIONS, *BAD_EXTENSIONS]
    odd.remove("nothing")
    judged(rule, behind_extensions, [*EXTENSIONS, *BAD_EXTENSIONS], "inet6", ends=odd, config='extension_headers = "drop"\n')


def wrapped(name, source, port):
    tags = b"\x81\x00\0\0" * 3
    frame = bytes(behind_extensions(name, source, port)[0])
    return [frame[:12] + tags + frame[12:]]


@EVERY_RULE
def test_tags_and_extension_headers_together_lead_past_no_rule(judged, rule):
    judged(rule, wrapped, [*EXTENSIONS, *BAD_EXTENSIONS], "inet6", ends=BAD_EXTENSIONS)


def test_rules_for_ipv4_decide_nothing_about_extension_headers(host_lab, start_pfild, knock):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    taken = knock(behind_extensions, [*EXTENSIONS, *BAD_EXTENSIONS], "inet6")
    guard(daemon, expression=f"tcp dst port {FORBIDDEN}", kind="inet", direction="i")
    assert knock(behind_extensions, [*EXTENSIONS, *BAD_EXTENSIONS], "inet6") == taken
    assert stats(daemon)["engine_dropped_extension"] == 0


@pytest.mark.parametrize("config", ["", 'extension_headers = "drop"\n'])
def test_listener_discovery_passes_where_nothing_else_does(host_lab, start_pfild, config):
    daemon = start_pfild(host_lab.fw, config=config)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, expression="tcp dst port 1", on_match="pass", kind="inet6")
    with FramePort(host_lab.cli) as port, Listener(host_lab.fw, port=9, groups=["ff02::4242"]):
        reports = port.receive(lambda packet: ICMPv6MLReport2 in packet and packet[IPv6].hlim == 1)
        assert reports, "the report of the group did not leave"
        query = Ether(dst="33:33:00:00:00:01") / IPv6(src="fe80::1", dst="ff02::1", hlim=1)
        query = query / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLQuery2(mrd=1)
        passed = stats(daemon)["passed_neighbour"]
        port.send(query)
        assert wait_until(lambda: stats(daemon)["passed_neighbour"] > passed), "the query did not come in"


def test_a_rule_that_asks_for_the_next_header_as_such_says_so_and_is_shown_packets_as_they_are(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    daemon.bpfctl("hook", "add", "cbpf:port", "--filter", f"tcp port {ALLOWED}", "--on-match", "pass", "--type", "inet6")
    said = daemon.bpfctl("hook", "add", "cbpf:as-such", "--filter", "ip6 proto 60", "--on-match", "pass", "--type", "inet6")
    assert "cbpf:as-such may ask for the next header" in said
    assert "may ask" not in daemon.bpfctl("hook", "add", "cbpf:other", "--filter", "tcp", "--on-match", "pass", "--type", "inet6")
    assert [daemon.bpfctl.hook(f"cbpf:{name}")["as_it_is"] for name in ("port", "as-such")] == [None, "next header"]
    assert "cbpf:as-such may ask for the next header" in daemon.bpfctl("hooks")
    daemon.bpfctl("link", "-i", "cbpf:as-such", "inet6")
    names = ["destination options", "destination options twice", "hop-by-hop", "an atomic fragment"]
    with OpenPorts(host_lab.fw, ALLOWED), Knocker(host_lab.cli) as knocker:
        host_lab.cli.run("ping", "-c", "1", host_lab.fw.eth0.ipv4)
        passed = knocker.answered(
            lambda name, source: behind_extensions(name, source, ALLOWED), names, lambda source: [by_engine("inet", source)]
        )
    assert passed == {"destination options", "destination options twice"}


# --- F8: fragments ---


def cut(packet, *sizes):
    """An IP packet's fragments, of so many bytes behind the headers that each has; the rest is the last."""
    v6 = isinstance(packet, IPv6)
    header, payload = bytes(packet)[: 40 if v6 else 20], bytes(packet)[40 if v6 else 20 :]
    at = 0
    for size in [*sizes, len(payload)]:
        piece = payload[at : at + size]
        more = at + len(piece) < len(payload)
        if v6:
            one = IPv6(header) / IPv6ExtHdrFragment(nh=6, offset=at // 8, m=int(more), id=packet[TCP].sport) / Raw(piece)
            one.plen, one.nh = None, 44
            yield one
        else:
            one = IP(header) / Raw(piece)
            one.frag, one.flags, one.len, one.chksum = at // 8, "MF" if more else 0, None, None
            yield one
        at += len(piece)
        if not more:
            return


# name -> sizes of the pieces
FRAGMENTS = {"whole": [], "cut behind the header": [32], "cut behind the flags": [16], "cut behind the ports": [8], "cut twice": [8, 8]}
ODD_FRAGMENTS = ("cut behind the ports", "cut twice")


def in_fragments(family):
    def frames(name, source, port):
        options = [("MSS", 1400)] + [("NOP", None)] * 4
        packet = network(family) / TCP(sport=source, dport=port, flags="S", seq=1, options=options) / Raw(b"x" * 40)
        if family == "inet":
            packet.id = source
        packet = type(packet)(bytes(packet))
        pieces = list(cut(packet, *FRAGMENTS[name]))
        return [link() / piece for piece in pieces] if FRAGMENTS[name] else [link() / packet]

    return frames


# A rule about flags: a SYN is forbidden to one port. It looks at byte 13 of TCP.
FLAGS = {
    "inet": f"tcp dst port {FORBIDDEN} and tcp[13] & 2 != 0",
    "inet6": f"ip6[6] = 6 and ip6[42:2] = {FORBIDDEN} and ip6[53] & 2 != 0",
}


@EVERY_FAMILY
@pytest.mark.parametrize("run", ["engine", "kernel"])
def test_fragments_lead_past_no_rule_about_flags(host_lab, start_pfild, knock, family, run):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    taken = knock(in_fragments(family), FRAGMENTS, family)
    assert "cut behind the header" in taken[FORBIDDEN] and taken[FORBIDDEN] == taken[ALLOWED]
    assert family == "inet6" or taken[FORBIDDEN] == set(FRAGMENTS), "IPv4's stack takes all of them"
    guard(daemon, expression=FLAGS[family], kind=family, direction="i", run=run)
    guarded = knock(in_fragments(family), FRAGMENTS, family)
    assert guarded[FORBIDDEN] == set()
    assert guarded[ALLOWED] == taken[ALLOWED] - set(ODD_FRAGMENTS)
    assert stats(daemon)["engine_dropped_fragment"] > 0


@EVERY_FAMILY
@pytest.mark.parametrize("run", ["engine", "kernel"])
def test_no_fragment_passes_where_none_is_wanted(host_lab, start_pfild, knock, family, run):
    daemon = start_pfild(host_lab.fw, config='fragments = "drop"\n')
    daemon.bpfctl("attach", "eth0")
    assert knock(in_fragments(family), FRAGMENTS, family)[ALLOWED] > {"whole"}
    guard(daemon, expression=FLAGS[family], kind=family, direction="i", run=run)
    assert knock(in_fragments(family), FRAGMENTS, family) == {FORBIDDEN: set(), ALLOWED: {"whole"}}


@EVERY_FAMILY
@pytest.mark.parametrize("run", ["engine", "kernel"])
def test_long_datagrams_to_an_allowed_port_arrive_in_their_fragments(host_lab, start_pfild, family, run):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, expression=f"tcp dst port {FORBIDDEN} or udp dst port {FORBIDDEN}", kind=family, direction="i", run=run)
    with Listener(host_lab.fw, port=ALLOWED) as listener:
        address = host_lab.fw.eth0.ipv6 if family == "inet6" else host_lab.fw.eth0.ipv4
        send(host_lab.cli, address, size_bytes=5000, count=10, port=ALLOWED)
        assert wait_until(lambda: len(listener.heard()) == 10)
        assert all(len(one.data) == 5000 for one in listener.heard())


def stats(daemon, interface="eth0"):
    return daemon.bpfctl.json("stats")["interfaces"][interface]["in"]
