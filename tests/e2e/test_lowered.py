# SPDX-License-Identifier: BSD-2-Clause
"""Hooks that run in the kernel do what they do in the engine: the same verdict for every packet, in the same order, with the
same counters, also while they change and after the daemon has been killed."""
import functools
import time

import pytest
from scapy.all import IP, UDP, Ether, Raw

from harness import numbered_tcp
from harness.flow import UdpFlow
from harness.frames import FramePort
from harness.held import held
from harness.judges import assert_ends_well, left_behind, wait_until
from harness.meter import Meter
from harness.pace import Pace
from harness.ping import ping
from harness.programs import program
from harness.rules import add_hook, counted, guard

SYN = "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn and dst port 23"
PACKETS = 100_000
UNCUT = 20  # packets a buffer
NOISE = 20  # what stacks say unasked
CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
MODES = pytest.mark.parametrize("mode", ["tc", "xdp"])


def runs(daemon, name):
    """{"eth0 in": "kernel"}"""
    return {f"{run['interface']} {run['direction']}": run["where"] for run in daemon.bpfctl.hook(name)["runs"]}


def why(daemon, name):
    return " ".join(run["because"] or "" for run in daemon.bpfctl.hook(name)["runs"])


def lane(daemon, direction="in"):
    return daemon.bpfctl.json("stats")["interfaces"]["eth0"][direction]


def start(start_pfild, host, mode="tc", config=""):
    daemon = start_pfild(host, config=f'mode = "{mode}"\n' + config)
    daemon.bpfctl("attach", "eth0", "--mode", mode)
    return daemon


@pytest.fixture
def mute_lab(host_lab):
    """Nobody answers TCP."""
    rule = "add table inet mute\nadd chain inet mute out { type filter hook output priority 0; }\nadd rule inet mute out tcp flags rst drop\n"
    for host in host_lab.hosts():
        host.run("nft", "-f", "-", stdin=rule)
    return host_lab


@functools.cache
def all_but_syn_to_telnet():
    """How often each packet comes that no hook drops."""
    shapes = map(numbered_tcp.shape, range(PACKETS))
    return bytes(flags & (numbered_tcp.SYN | numbered_tcp.ACK) != numbered_tcp.SYN or port != 23 for flags, port, _words in shapes)


def offloads(host, on):
    host.run("ethtool", "-K", "eth0", *(word for what in ("tx", "tso", "gso", "gro") for word in (what, "on" if on else "off")))


@pytest.mark.parametrize("mode, direction", [("tc", "in"), ("tc", "out"), ("xdp", "in")])
def test_every_one_of_100000_packets_has_the_same_verdict_in_kernel_and_engine(mute_lab, start_pfild, mode, direction):
    sender, receiver = (mute_lab.cli, mute_lab.fw) if direction == "in" else (mute_lab.fw, mute_lab.cli)
    daemon = start(start_pfild, mute_lab.fw, mode)
    expected = all_but_syn_to_telnet()
    assert PACKETS // 50 < expected.count(0) < PACKETS // 5
    seen = []
    with Pace(daemon, direction) as pace, numbered_tcp.Numbered(sender, receiver, PACKETS) as numbered:
        for on in (True, False):
            offloads(mute_lab.cli, on)
            for where in ("engine", "kernel"):
                guard(daemon, "cbpf:syn", SYN, direction=direction[0], run=where)
                assert runs(daemon, "cbpf:syn") == {f"eth0 {direction}": where}
                before = lane(daemon, direction)["engine_received"]
                assert numbered.transfer(pace) == expected, (where, on, daemon.bpfctl.json("stats"))
                came_up = lane(daemon, direction)["engine_received"] - before
                assert came_up >= PACKETS if where == "engine" else came_up < NOISE
                seen.append(daemon.bpfctl.hook("cbpf:syn")["counters"])
                daemon.bpfctl("hook", "delete", "cbpf:syn")
    assert seen[0]["dropped_packets"] == expected.count(0)
    assert seen == [seen[0]] * 4
    assert_ends_well(daemon)


@pytest.mark.parametrize("expression, kind, drops, kernel_answers", [
    ("tcp[tcpflags] & tcp-fin != 0", "inet", lambda shape: shape[0] & numbered_tcp.FIN, False),
    ("greater 1", "inet", lambda shape: True, False),
    ("ip[8] = 64 and tcp dst port 23", "inet", lambda shape: shape[1] == 23, True),
    ("ether src 02:00:00:00:01:01 and tcp dst port 80", "ethernet", lambda shape: shape[1] == 80, True),
])  # fmt: skip
def test_uncut_packets_are_answered_uncut_only_where_their_segments_do_not_differ(
    mute_lab, start_pfild, expression, kind, drops, kernel_answers
):
    packets = 200 * UNCUT
    daemon = start(start_pfild, mute_lab.fw)
    expected = bytes(not drops(numbered_tcp.uncut_shape(number, UNCUT)) for number in range(packets))
    seen = []
    with Pace(daemon) as pace, numbered_tcp.Numbered(mute_lab.cli, mute_lab.fw, packets, UNCUT) as numbered:
        for where in ("engine", "kernel"):
            guard(daemon, "cbpf:row", expression, kind, direction="i", run=where)
            before = lane(daemon)["engine_received"]
            assert numbered.transfer(pace) == expected, (where, daemon.bpfctl.json("stats"))
            came_up = lane(daemon)["engine_received"] - before
            assert came_up < NOISE if where == "kernel" and kernel_answers else packets <= came_up < packets + NOISE
            seen.append(daemon.bpfctl.hook("cbpf:row")["counters"])
            daemon.bpfctl("hook", "delete", "cbpf:row")
    if kind == "ethernet":  # sees what stacks say, too
        for count in seen:
            assert packets <= count.pop("seen_packets") < packets + NOISE and count.pop("seen_bytes")
    assert seen[0]["dropped_packets"] == expected.count(0) and seen[1] == seen[0]
    assert_ends_well(daemon)


def numbered_frames(count=40):
    """To port 9, of which the time to live says which hook is meant."""
    link = Ether(src="02:00:00:00:01:01", dst="02:00:00:00:01:02")
    return [link / IP(src=CLIENT, dst=SERVER, ttl=10 + i % 4) / UDP(sport=1, dport=9) / Raw(b"x" * i) for i in range(count)]


def test_kernel_engine_kernel_in_order(host_lab, start_pfild):
    """Counting hooks tell that each is asked what those in front let pass; input runs newest first."""
    daemon = start(start_pfild, host_lab.fw)
    for name, run in (("third", "auto"), ("second", "engine"), ("first", "kernel")):
        ttl = {"first": 10, "second": 11, "third": 12}[name]
        guard(daemon, f"cbpf:{name}", f"ip[8] = {ttl} and udp dst port 9", direction="i", run=run)
    assert [runs(daemon, f"cbpf:{name}")["eth0 in"] for name in ("first", "second", "third")] == ["kernel", "engine", "engine"]
    assert "behind cbpf:second, which runs in the engine" in why(daemon, "cbpf:third")
    assert "cbpf:third runs in the engine (eth0 in): it is behind cbpf:second" in daemon.bpfctl("hooks")
    arriving = Meter(host_lab.fw, {"all": "udp dport 9"})
    with FramePort(host_lab.cli) as port:
        port.send_last(*numbered_frames())
    assert wait_until(lambda: counted(daemon, "cbpf:third")["seen"] == 20), daemon.bpfctl("hooks")
    assert counted(daemon, "cbpf:first") == {"seen": 40, "matched": 10, "dropped": 10}
    assert counted(daemon, "cbpf:second") == {"seen": 30, "matched": 10, "dropped": 10}
    assert counted(daemon, "cbpf:third") == {"seen": 20, "matched": 10, "dropped": 10}
    assert wait_until(lambda: arriving.counts()["all"] == 10)
    assert lane(daemon)["dropped_lowered"] == 10 and 30 <= lane(daemon)["engine_received"] < 30 + NOISE
    assert_ends_well(daemon)


def test_what_asks_for_the_kernel_is_refused_where_that_cannot_be_kept(host_lab, start_pfild):
    daemon = start(start_pfild, host_lab.fw)
    payload = "tcp[20:4] = 0x47455420"  # a checksum could be there, in another packet
    add_hook(daemon, "cbpf:payload", payload, run="kernel")
    refused = daemon.bpfctl.refused("link", "-i", "cbpf:payload", "inet")
    assert refused.exit_code == 1 and "cbpf:payload" in refused.line and "checksum may be unfinished" in refused.line
    assert daemon.bpfctl.hook("cbpf:payload")["links"] == []
    daemon.bpfctl("hook", "delete", "cbpf:payload")
    guard(daemon, "cbpf:payload", payload, direction="i", run="auto")
    assert runs(daemon, "cbpf:payload") == {"eth0 in": "engine"} and "checksum" in why(daemon, "cbpf:payload")
    add_hook(daemon, "cbpf:syn", SYN, run="kernel")
    assert "behind cbpf:payload" in daemon.bpfctl.refused("link", "-i", "-a", "cbpf:syn", "inet").line
    daemon.bpfctl("link", "-i", "cbpf:syn", "inet")
    assert runs(daemon, "cbpf:syn") == {"eth0 in": "kernel"}
    add_hook(daemon, "cbpf:slow", "udp port 7", run="engine")
    refused = daemon.bpfctl.refused("link", "-i", "cbpf:slow", "inet")
    assert refused.exit_code == 1 and "cbpf:syn" in refused.line and "behind cbpf:slow" in refused.line
    assert daemon.bpfctl.json("heads")["heads"][0]["in"] == ["cbpf:syn", "cbpf:payload"]
    daemon.bpfctl("link", "-i", "-a", "cbpf:slow", "inet")
    assert ping(host_lab.cli, SERVER, count=3).lost == 0
    assert_ends_well(daemon)


def test_hooks_that_answer_per_flow_stay_where_they_were(host_lab, start_pfild):
    daemon = start(start_pfild, host_lab.fw)
    guard(daemon, "cbpf:flow", "udp dst port 9", direction="i", run="auto")
    assert runs(daemon, "cbpf:flow") == {"eth0 in": "engine"} and "no hook here wants every packet" in why(daemon, "cbpf:flow")
    guard(daemon, "cbpf:packet", "ip[8] = 7", direction="i", run="auto")
    assert runs(daemon, "cbpf:flow") == runs(daemon, "cbpf:packet") == {"eth0 in": "kernel"}
    daemon.bpfctl("unlink", "-i", "cbpf:packet", "inet")
    assert runs(daemon, "cbpf:flow") == {"eth0 in": "engine"} and runs(daemon, "cbpf:packet") == {}
    assert_ends_well(daemon)


@MODES
def test_what_a_hook_costs_is_measured_where_it_runs(host_lab, start_pfild, mode):
    """Once: what is listed again is the same. A long program costs more than a short one, in the engine and in the kernel."""
    daemon = start(start_pfild, host_lab.fw, mode)
    many = " or ".join(f"ip[8] * {factor} + ip[9] = {3 * factor + 200}" for factor in range(3, 63))
    for where in ("engine", "kernel"):  # the newest is asked first
        for name, text in (("short", "ip[8] = 1"), ("long", many)):
            guard(daemon, f"cbpf:{where}-{name}", text, direction="i", on_match="count", run=where)
    before = counted(daemon, "cbpf:kernel-short")["seen"]
    assert daemon.bpfctl.json("hook", "show", "cbpf:engine-long")["cost"]["engine_ns"] > 0, "also when no hook was listed before"

    def measured():
        return {hook["name"][5:]: (hook["cost"]["engine_ns"], hook["cost"]["kernel_ns"]) for hook in daemon.bpfctl.json("hooks")["hooks"]}

    def all_known():
        known = measured()
        return known if all(engine and (kernel is not None) == name.startswith("kernel") for name, (engine, kernel) in known.items()) else None

    costs = wait_until(all_known)
    assert costs["engine-long"][0] > costs["engine-short"][0] > 0, costs
    assert costs["kernel-long"][1] > costs["kernel-short"][1] >= 0, costs
    assert all(ns < 5000 for one in costs.values() for ns in one if ns is not None), costs
    assert measured() == costs
    lines = daemon.bpfctl("hooks").splitlines()
    assert " Cost " in lines[0] and all(" ns " in line for line in lines[1:5]), lines
    assert counted(daemon, "cbpf:kernel-short")["seen"] < before + NOISE  # sample packets are nobody's
    assert_ends_well(daemon)


@MODES
def test_a_capture_sees_what_hooks_in_the_kernel_drop_incoming_and_let_pass_outgoing(host_lab, start_pfild, tmp_path, mode):
    daemon = start(start_pfild, host_lab.fw, mode)
    guard(daemon, "cbpf:ten", "ip[8] = 10 and udp dst port 9", run="kernel")
    file = tmp_path / "seen.pcap"
    command = ("capture", "eth0", "-w", file, "-c", 40 + 30, "udp dst port 9")
    capture = host_lab.fw.popen(program("bpfctl"), "-N", daemon.name, *command)
    capture.wait_for_output("capturing on")
    with FramePort(host_lab.cli) as port:
        port.send_last(*numbered_frames())
    with FramePort(host_lab.fw) as port:
        back = [frame.copy() for frame in numbered_frames()]
        for frame in back:
            frame.src, frame.dst, frame[IP].src, frame[IP].dst = frame.dst, frame.src, SERVER, CLIENT
        port.send_last(*back)
    assert capture.wait() == 0
    count = counted(daemon, "cbpf:ten")
    assert (count["matched"], count["dropped"]) == (20, 20) and 80 <= count["seen"] < 80 + 2 * NOISE
    assert_ends_well(daemon)


def test_rules_change_under_load_and_nothing_is_decided_by_old_ones(host_lab, start_pfild):
    """10,000 packets a second, of which a hook drops none or all; it is linked and unlinked."""
    daemon = start(start_pfild, host_lab.fw)
    add_hook(daemon, "cbpf:all", "udp dst port 9000 and ip[8] > 1", run="kernel")
    add_hook(daemon, "cbpf:none", "udp dst port 9000 and ip[8] = 1", run="kernel")
    daemon.bpfctl("link", "-i", "cbpf:none", "inet")
    flow = UdpFlow(host_lab.cli, host_lab.fw, SERVER, rate_pps=10_000, count=1_000_000)
    dropped = 0
    for _ in range(8):
        passed = counted(daemon, "cbpf:none")["seen"]
        assert wait_until(lambda: counted(daemon, "cbpf:none")["seen"] > passed + 1000)  # noqa: B023
        daemon.bpfctl("link", "-i", "cbpf:all", "inet")
        assert wait_until(lambda: counted(daemon, "cbpf:all")["dropped"] > dropped + 500)  # noqa: B023
        daemon.bpfctl("unlink", "-i", "cbpf:all", "inet")
        after = counted(daemon, "cbpf:all")["dropped"]
        time.sleep(0.05)
        assert counted(daemon, "cbpf:all")["dropped"] == after, "a packet was decided by rules that are gone"
        dropped = after
    assert flow.running()
    result = flow.finish(early=True)
    assert (result.lost, result.duplicated) == (dropped, 0)
    assert 0 <= counted(daemon, "cbpf:none")["seen"] + dropped - result.sent < NOISE
    assert_ends_well(daemon)


@MODES
def test_after_kill_9_they_run_on_and_the_next_daemon_takes_over(host_lab, start_pfild, mode):
    daemon = start(start_pfild, host_lab.fw, mode)
    guard(daemon, "cbpf:ten", "ip[8] = 10 and udp dst port 9", direction="i", run="kernel")
    arriving = Meter(host_lab.fw, {"ten": "ip ttl 10 udp dport 9", "others": "ip ttl != 10 udp dport 9"})
    daemon.kill9()
    with FramePort(host_lab.cli) as port:
        port.send_last(*numbered_frames())
    assert wait_until(lambda: arriving.counts()["others"] == 30) and arriving.counts()["ten"] == 0
    daemon.start()
    assert runs(daemon, "cbpf:ten") == {"eth0 in": "kernel"}
    with FramePort(host_lab.cli) as port:
        port.send_last(*numbered_frames())
    assert wait_until(lambda: arriving.counts()["others"] == 60) and arriving.counts()["ten"] == 0
    assert counted(daemon, "cbpf:ten") == {"seen": 40, "matched": 10, "dropped": 10}
    assert_ends_well(daemon)


def chains_of(daemon):
    """How many programs of lowered hooks the daemon holds."""
    return [one.get("name") for one in held(daemon, "prog")].count("pfild_chain")


def test_detach_leaves_none_of_them(host_lab, start_pfild):
    daemon = start(start_pfild, host_lab.fw)
    guard(daemon, "cbpf:ten", "ip[8] = 10", run="kernel")
    assert wait_until(lambda: chains_of(daemon) == 2)
    assert {"tc_chains", "xdp_chains"} <= {path.name for path in daemon.pin_folder.iterdir()}
    daemon.bpfctl("detach", "eth0")
    assert wait_until(lambda: chains_of(daemon) == 0) and daemon.bpfctl.hook("cbpf:ten")["runs"] == []
    daemon.bpfctl("attach", "eth0")
    assert wait_until(lambda: chains_of(daemon) == 2)
    assert_ends_well(daemon)
    assert left_behind(daemon) == []
