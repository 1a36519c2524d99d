# SPDX-License-Identifier: BSD-2-Clause
"""After kill -9: what passes and what does not, what the next start finds and takes over, and what is not pfild's and stays."""
import pytest
from scapy.all import ARP, IP, UDP, Dot1Q, Ether

from harness.flow import UdpFlow
from harness.frames import FramePort
from harness.judges import assert_ends_well, heads, is_head, left_behind, offloads, qdiscs, tc_filters, wait_until
from harness.meter import Meter
from harness.ping import ping, unanswered
from harness.rules import counted, guard

ADDRESSES = ["192.0.2.2", "2001:db8:1::2"]


CLSACT = 'tc_attach = "clsact"\n'  # what kernels before 6.6 have, and what `tc` shows
BOTH_WAYS = pytest.mark.parametrize("config", ["", CLSACT], ids=["tcx", "clsact"])


def start_guarding(start_pfild, host, unknown="pass", config=CLSACT):
    """Attached, and every packet of both families goes through the engine."""
    daemon = start_pfild(host, config=config)
    daemon.bpfctl("attach", "eth0", "--unknown", unknown)
    guard(daemon, "cbpf:count", "greater 0", "ethernet", on_match="count")
    return daemon


def forget_neighbours(host):
    host.run("ip", "neigh", "flush", "dev", "eth0")


def neighbour_resolves(host, address):
    """Sends to a neighbour that was forgotten, and says whether it is known then."""
    host.run("ip", "neigh", "flush", "dev", "eth0")
    unanswered(host, address, count=1)

    def known():
        entry = host.run("ip", "neigh", "show", address, "dev", "eth0").stdout
        return "lladdr" in entry and "FAILED" not in entry

    return wait_until(known, timeout_s=3)


@pytest.mark.parametrize("address", ADDRESSES)
def test_with_unknown_pass_traffic_goes_on_after_kill_9(host_lab, start_pfild, address):
    daemon = start_guarding(start_pfild, host_lab.fw, "pass")
    assert ping(host_lab.cli, address).lost == 0
    assert counted(daemon, "cbpf:count")["seen"] >= 40
    daemon.kill9()
    assert len(heads(host_lab.fw)["ingress"]) == 1  # they stay, unattended
    result = ping(host_lab.cli, address, count=20)
    assert (result.sent, result.received, result.duplicates) == (20, 20, 0)
    forget_neighbours(host_lab.cli)
    forget_neighbours(host_lab.fw)
    assert ping(host_lab.cli, address, count=20).lost == 0


@pytest.mark.parametrize("address", ADDRESSES)
def test_with_unknown_drop_traffic_stops_after_kill_9_but_neighbours_resolve(host_lab, start_pfild, address):
    daemon = start_guarding(start_pfild, host_lab.fw, "drop")
    assert ping(host_lab.cli, address).lost == 0
    daemon.kill9()
    assert unanswered(host_lab.cli, address, count=20)
    back = {"192.0.2.2": "192.0.2.1", "2001:db8:1::2": "2001:db8:1::1"}[address]
    assert unanswered(host_lab.fw, back, count=20)
    assert neighbour_resolves(host_lab.cli, address)
    assert neighbour_resolves(host_lab.fw, back)


def test_with_unknown_drop_arp_inside_tags_passes_after_kill_9_and_ip_inside_tags_does_not(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw, "drop")
    arriving = Meter(host_lab.fw, {"arp": "vlan id 5 vlan type arp", "ip": "vlan id 6"})
    to = {"src": host_lab.cli.eth0.mac, "dst": host_lab.fw.eth0.mac}
    arp = Ether(**to) / Dot1Q(vlan=5) / ARP(op=1, hwsrc=to["src"], psrc="203.0.113.1", pdst="203.0.113.2")
    ip = Ether(**to) / Dot1Q(vlan=6) / IP(src="203.0.113.1", dst="203.0.113.2") / UDP(dport=9)
    for alive in (True, False):
        before = arriving.counts()
        with FramePort(host_lab.cli) as port:
            port.send_last(*[arp, ip] * 10)
        expected = {"arp": 10, "ip": 10 if alive else 0}
        came = lambda: {name: count - before[name] for name, count in arriving.counts().items()}  # noqa: E731, B023
        assert wait_until(lambda: came() == expected), (alive, came())  # noqa: B023
        if alive:
            daemon.kill9()


def test_a_broadcast_arp_request_is_answered_once_after_kill_9(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw, "drop")
    daemon.kill9()
    with FramePort(host_lab.cli) as port:
        ask = ARP(op=1, hwsrc=host_lab.cli.eth0.mac, psrc="192.0.2.1", pdst="192.0.2.2")
        port.send(Ether(src=host_lab.cli.eth0.mac, dst="ff:ff:ff:ff:ff:ff") / ask)
        answers = port.receive(lambda packet: ARP in packet and packet[ARP].op == 2, watch_s=0.3)
    assert [answer.packet[ARP].hwsrc for answer in answers] == [host_lab.fw.eth0.mac]


def program_ids(found):
    return [one["options"]["prog"]["id"] for side in ("ingress", "egress") for one in found[side]]


@pytest.mark.parametrize("unknown", ["pass", "drop"])
def test_the_next_start_takes_over_what_a_killed_daemon_left_and_filters_the_same(host_lab, start_pfild, unknown):
    daemon = start_guarding(start_pfild, host_lab.fw, unknown)
    guard(daemon, "cbpf:ping", "icmp", direction="i")
    for _ in range(3):
        assert unanswered(host_lab.cli, "192.0.2.2", count=10)
        before, rules = heads(host_lab.fw), daemon.bpfctl.json("heads")
        daemon.kill9()
        assert wait_until(lambda: "pfp" not in host_lab.fw.run("ip", "-o", "link").stdout)
        assert heads(host_lab.fw) == before  # they stay as they are until somebody comes
        daemon.start()
        after = heads(host_lab.fw)
        assert [len(after[side]) for side in ("ingress", "egress")] == [1, 1]
        assert after["ingress"][0]["pref"] == before["ingress"][0]["pref"]
        assert not set(program_ids(after)) & set(program_ids(before))
        assert daemon.bpfctl.interface("eth0")["unknown"] == unknown
        assert daemon.bpfctl.json("heads") == rules
    assert unanswered(host_lab.cli, "192.0.2.2", count=10)
    daemon.bpfctl("hook", "delete", "cbpf:ping")
    assert ping(host_lab.cli, "192.0.2.2", count=20).lost == 0
    assert counted(daemon, "cbpf:count")["seen"] >= 40
    assert_ends_well(daemon)


def test_after_an_orderly_stop_the_next_start_begins_with_nothing(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.bpfctl.json("status")["interfaces"] == [] and daemon.bpfctl.json("hooks")["hooks"] == []
    assert_ends_well(daemon)


def test_a_successor_leaves_out_what_is_no_longer_there_and_says_so(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
    daemon.kill9()
    host_lab.fw.run("ip", "link", "delete", "eth0")
    daemon.start()
    assert daemon.bpfctl.json("status")["interfaces"] == []
    assert [hook["name"] for hook in daemon.bpfctl.json("hooks")["hooks"]] == ["cbpf:count"]
    assert "eth0" in daemon.current_log() and "not taken over" in daemon.current_log()
    assert daemon.stop() == 0


def test_a_successor_under_another_name_takes_over_too(host_lab, start_pfild):
    start_guarding(start_pfild, host_lab.fw).kill9()
    heir = start_guarding(start_pfild, host_lab.fw)
    assert [len(side) for side in heads(host_lab.fw).values()] == [1, 1]
    assert ping(host_lab.cli, "192.0.2.2", count=20).lost == 0
    assert counted(heir, "cbpf:count")["seen"] >= 40
    assert_ends_well(heir)


@BOTH_WAYS
@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_takeover_under_load_loses_nothing_with_unknown_pass(host_lab, start_pfild, direction, config):
    daemon = start_guarding(start_pfild, host_lab.fw, "pass", config)
    daemon.kill9()
    sender, receiver = (host_lab.cli, host_lab.fw) if direction == "in" else (host_lab.fw, host_lab.cli)
    flow = UdpFlow(sender, receiver, receiver.eth0.ipv4, rate_pps=20_000, count=1_000_000)
    came = receiver.counter("rx_packets")
    assert wait_until(lambda: receiver.counter("rx_packets") > came + 1000)
    daemon.start()
    assert wait_until(lambda: counted(daemon, "cbpf:count")["matched"] > 1000)  # filtered again, without being asked
    assert flow.running()
    result = flow.finish(early=True)
    assert (result.lost, result.duplicated) == (0, 0), result
    assert_ends_well(daemon)


@BOTH_WAYS
@pytest.mark.parametrize("head", ["inet", "ethernet", "eth0"])
def test_with_unknown_drop_no_packet_slips_through_between_kill_9_and_the_next_filter(host_lab, start_pfild, head, config):
    daemon = start_pfild(host_lab.fw, config=config)
    daemon.bpfctl("attach", "eth0", "--unknown", "drop")
    guard(daemon, "cbpf:flow", "udp dst port 9000", "inet" if head == "inet" else "ethernet", head=head)
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=50_000, count=5_000_000)

    def dropping():
        lane = daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]
        return lane["engine_dropped"] + lane["dropped_known"] > 1000

    for _ in range(3):
        assert wait_until(dropping)
        daemon.kill9()
        daemon.start()
    assert wait_until(dropping)
    result = flow.finish(early=True)
    assert result.sent > 4000 and result.received == 0, result
    assert_ends_well(daemon)


ICMP_FILTER = ["u32", "match", "u8", "1", "0xff", "at", "9", "action", "mirred", "egress", "mirror", "dev", "void0", "continue"]


def foreign_things(host):
    """A shaping root qdisc, a clsact, and filters of two kinds in both directions, before and behind where heads come."""
    shape_outgoing(host)
    host.run("ip", "link", "add", "void0", "type", "veth", "peer", "name", "void1")  # copies of pings go there
    host.run("ip", "link", "set", "void0", "up")
    host.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    for side in ("ingress", "egress"):
        add = ["tc", "filter", "add", "dev", "eth0", side, "protocol"]
        for pref in (1, 20):
            host.run(*add, "ip", "pref", pref, *ICMP_FILTER)
        host.run(*add, "all", "pref", "40", "bpf", "bytecode", "1,6 0 0 0", "flowid", "1:1")


def shape_outgoing(host):
    shaping = ["tbf", "rate", "1gbit", "burst", "256k", "latency", "50ms"]
    host.run("tc", "qdisc", "add", "dev", "eth0", "root", "handle", "5:", *shaping)


def foreign_state(host):
    filters = {side: [one for one in found if not is_head(one)] for side, found in tc_filters(host).items()}
    return filters, qdiscs(host), offloads(host)


def test_foreign_filters_qdiscs_and_offloads_are_as_before_through_attach_detach_kill_9_and_restart(host_lab, start_pfild):
    fw = host_lab.fw
    foreign_things(fw)
    before, everything = foreign_state(fw), (tc_filters(fw), qdiscs(fw))
    assert len(before[0]["ingress"]) >= 3
    daemon = start_guarding(start_pfild, fw)
    assert foreign_state(fw) == before
    assert ping(host_lab.cli, "192.0.2.2").lost == 0
    daemon.bpfctl("detach", "eth0")
    assert (tc_filters(fw), qdiscs(fw), offloads(fw)) == (*everything, before[2])
    daemon.bpfctl("attach", "eth0")
    daemon.kill9()
    assert foreign_state(fw) == before
    daemon.start()
    assert foreign_state(fw) == before
    assert [len(side) for side in heads(fw).values()] == [1, 1]
    assert daemon.stop() == 0
    assert (tc_filters(fw), qdiscs(fw), offloads(fw)) == (*everything, before[2])


def filter_hits(host, side, pref):
    """How often the action of a filter was asked for."""
    listed = host.run("tc", "-s", "filter", "show", "dev", "eth0", side, "pref", pref).stdout
    sent = [line.split() for line in listed.splitlines() if line.strip().startswith("Sent")]
    return sum(int(words[3]) for words in sent)


@pytest.mark.tc_only("filters at ingress see what XDP diverts only when it comes back")
def test_filters_behind_ours_see_each_packet_once_and_a_foreign_one_before_ours_is_not_displaced(host_lab, start_pfild):
    fw = host_lab.fw
    foreign_things(fw)
    filters = [(side, pref) for side in ("ingress", "egress") for pref in (1, 20)]

    def hits_of_50_pings():
        before = {one: filter_hits(fw, *one) for one in filters}
        assert ping(host_lab.cli, "192.0.2.2", count=50).lost == 0
        return {one: filter_hits(fw, *one) - before[one] for one in filters}

    alone = hits_of_50_pings()
    assert min(alone.values()) >= 50
    start_guarding(start_pfild, fw)
    where = {side: heads(fw)[side][0]["pref"] for side in ("ingress", "egress")}
    assert where == {"ingress": 2, "egress": 2}  # 1 is taken, by a filter of another kind
    seen = hits_of_50_pings()
    for side in ("ingress", "egress"):
        assert seen[(side, 20)] == alone[(side, 20)], (alone, seen)
        # Those before a head see diverted packets when they come, and again when they come back.
        assert seen[(side, 1)] == 2 * alone[(side, 1)], (alone, seen)


def test_a_root_qdisc_sees_each_outgoing_packet_once(host_lab, start_pfild):
    fw = host_lab.fw
    shape_outgoing(fw)
    start_guarding(start_pfild, fw)

    def packets():
        listed = fw.run("tc", "-s", "qdisc", "show", "dev", "eth0", "root").stdout
        return int(next(line.split()[3] for line in listed.splitlines() if line.strip().startswith("Sent")))

    before = packets()
    assert ping(host_lab.cli, "192.0.2.2", count=50).lost == 0
    assert 50 <= packets() - before <= 62  # neighbour discovery and listener reports may add some


def test_a_clsact_that_came_with_pfild_stays_when_somebody_uses_it_meanwhile(host_lab, start_pfild):
    fw = host_lab.fw
    daemon = start_guarding(start_pfild, fw)
    matches_nothing = ["bpf", "bytecode", "1,6 0 0 0", "flowid", "1:1"]
    fw.run("tc", "filter", "add", "dev", "eth0", "ingress", "protocol", "all", "pref", "9", *matches_nothing)
    assert daemon.stop() == 0
    left = tc_filters(fw)
    assert [one["kind"] for one in left["ingress"]] == ["bpf"] and left["egress"] == []
    assert ping(host_lab.cli, "192.0.2.2").lost == 0


def test_after_a_crash_in_the_middle_of_traffic_and_a_clean_end_of_the_next_nothing_is_left(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw, "drop")
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=20_000, count=1_000_000)
    assert wait_until(lambda: counted(daemon, "cbpf:count")["matched"] > 1000)
    daemon.kill9()
    flow.finish(early=True)
    daemon.start()
    daemon.bpfctl("detach", "eth0")
    of_the_daemon = (str(daemon.run_folder), str(daemon.pin_folder))  # which still runs
    assert [one for one in left_behind(daemon) if not str(one).startswith(of_the_daemon)] == []
    assert ping(host_lab.cli, "192.0.2.2").lost == 0
    assert_ends_well(daemon)


@pytest.mark.tc_only("it looks where the IN head is")
@pytest.mark.parametrize("before, after", [("", CLSACT), (CLSACT, "")], ids=["tcx, then clsact", "clsact, then tcx"])
def test_a_successor_that_attaches_the_other_way_leaves_one_pair_of_heads(host_lab, start_pfild, before, after):
    start_guarding(start_pfild, host_lab.fw, "drop", before).kill9()
    assert unanswered(host_lab.cli, "192.0.2.2", count=2)
    heir = start_guarding(start_pfild, host_lab.fw, "drop", after)
    assert [len(side) for side in heads(host_lab.fw).values()] == ([1, 1] if after else [0, 0])
    where = heir.bpfctl.interface("eth0")["heads"]
    assert where["in"].startswith("tc ingress pref" if after else "tcx ingress"), where
    assert ping(host_lab.cli, "192.0.2.2", count=20, interval_ms=5).lost == 0
    seen = counted(heir, "cbpf:count")["seen"]
    assert heir.bpfctl.json("stats")["interfaces"]["eth0"]["in"]["engine_received"] >= 20
    assert 40 <= seen <= 60, "each packet once, whichever way"
    heir.bpfctl("detach", "eth0")
    assert ping(host_lab.cli, "192.0.2.2", count=5, interval_ms=5).lost == 0, "no head of the first one is left to drop"
    assert_ends_well(heir)
