# SPDX-License-Identifier: BSD-2-Clause
"""What is particular to XDP as IN head. That everything else holds too is shown by the other tests, run in that mode."""
import time

import pytest

from harness.flow import UdpFlow
from harness.judges import assert_ends_well, wait_until, xdp_program
from harness.ping import ping, unanswered
from harness.rules import counted, guard

PER_PACKET = "len < 2000"  # never the flow's alone: every packet goes up
NO_PING_IN_XDP = """
mode = "xdp"
[[interface]]
name = "eth0"
[[hook]]
name = "cbpf:no-ping"
type = "ethernet"
on_match = "drop"
bytecode = "{icmp}"
[[link]]
hook = "cbpf:no-ping"
head = "eth0"
directions = ["in"]
"""


def in_xdp(daemon, interface="eth0"):
    status = daemon.bpfctl.interface(interface)
    return status["mode"] == "xdp" and status["heads"]["in"].startswith("xdp native")


def test_status_says_where_packets_are_decided_and_why(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config='mode = "auto"\n')
    daemon.bpfctl("attach", "eth0")
    status = daemon.bpfctl.interface("eth0")
    assert (status["mode"], status["mode_wanted"], status["mode_because"]) == ("tc", "auto", "it is a virtual interface")
    assert "mode      tc (auto: it is a virtual interface)" in daemon.bpfctl("status"), daemon.bpfctl("status")
    daemon.bpfctl("detach", "eth0")
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    status = daemon.bpfctl.interface("eth0")
    assert (status["mode"], status["mode_wanted"], status["queues_served"]) == ("xdp", "xdp", 1)
    assert status["heads"]["in"] in ("xdp native, alone", "xdp native, in a dispatcher")
    assert "xdp, serves 1 receive queue" in daemon.bpfctl("status")
    assert xdp_program(host_lab.fw) is not None
    assert ping(host_lab.cli, "192.0.2.2", count=20).lost == 0
    daemon.bpfctl("detach", "eth0")
    assert xdp_program(host_lab.fw) is None
    assert daemon.bpfctl.refused("attach", "eth0", "--mode", "generic").exit_code == 2
    assert_ends_well(daemon)


@pytest.fixture
def foreign_program(host_lab, foreign_xdp):
    """Somebody else's XDP program on the host's eth0."""
    host_lab.fw.run(*foreign_xdp.attach)
    return foreign_xdp.name


def test_a_program_of_somebody_else_is_left_alone_and_the_attach_refused(host_lab, start_pfild, foreign_program):
    daemon = start_pfild(host_lab.fw)
    refusal = daemon.bpfctl.refused("attach", "eth0", "--mode", "xdp")
    assert refusal.exit_code == 1 and "attach native XDP eth0: an XDP program of somebody else" in refusal.line, refusal
    assert xdp_program(host_lab.fw) == foreign_program and daemon.bpfctl.json("status")["interfaces"] == []
    daemon.bpfctl("attach", "eth0", "--mode", "tc")
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    daemon.bpfctl("detach", "eth0")
    assert xdp_program(host_lab.fw) == foreign_program
    host_lab.fw.run("ip", "link", "set", "dev", "eth0", "xdpdrv", "off")
    assert_ends_well(daemon)


def test_where_a_start_cannot_have_xdp_the_interface_is_filtered_by_tc_all_the_same(host_lab, start_pfild, foreign_program, tmp_path):
    icmp = tmp_path / "icmp.bpf"  # of an Ethernet frame
    icmp.write_text("6\n40 0 0 12\n21 0 3 2048\n48 0 0 23\n21 0 1 1\n6 0 0 262144\n6 0 0 0\n")
    daemon = start_pfild(host_lab.fw, config=NO_PING_IN_XDP.format(icmp=icmp))
    status = daemon.bpfctl.interface("eth0")
    assert (status["mode"], status["mode_wanted"]) == ("tc", "xdp"), status
    assert "somebody else" in status["mode_because"] and "TC it is" in daemon.current_log()
    assert unanswered(host_lab.cli, "192.0.2.2", count=5)
    assert xdp_program(host_lab.fw) == foreign_program
    host_lab.fw.run("ip", "link", "set", "dev", "eth0", "xdpdrv", "off")
    assert_ends_well(daemon)


def test_a_head_that_somebody_removed_is_back_soon_and_what_is_blocked_stays_blocked(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp", "--unknown", "drop")
    guard(daemon, "cbpf:blocked", "udp dst port 9000")
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=2000, count=100_000)
    for _ in range(3):
        host_lab.fw.run("ip", "link", "set", "dev", "eth0", "xdpdrv", "off")
        assert wait_until(lambda: xdp_program(host_lab.fw) is not None and in_xdp(daemon), timeout_s=3)
    result = flow.finish(early=True)
    assert result.received == 0, result  # without the XDP head the TC head decides
    assert wait_until(lambda: "repaired" in daemon.current_log())
    assert ping(host_lab.cli, "192.0.2.2", count=20).lost == 0
    assert_ends_well(daemon)


@pytest.mark.parametrize("before, after", [("tc", "xdp"), ("xdp", "tc"), ("xdp", "xdp")])
def test_a_successor_takes_over_whatever_the_mode_was(host_lab, start_pfild, before, after):
    daemon = start_pfild(host_lab.fw, config=f'mode = "{before}"\n')
    daemon.bpfctl("attach", "eth0", "--unknown", "drop")
    guard(daemon, "cbpf:blocked", "udp dst port 9000")
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=5000, count=100_000)
    daemon.kill9()
    assert unanswered(host_lab.cli, "192.0.2.2", count=5)
    model = daemon.run_folder / "model"
    model.write_text(model.read_text().replace(f'"mode":"{before}"', f'"mode":"{after}"'))
    daemon.start()
    assert daemon.bpfctl.interface("eth0")["mode"] == after
    assert (xdp_program(host_lab.fw) is not None) == (after == "xdp")
    assert ping(host_lab.cli, "192.0.2.2", count=20).lost == 0
    assert flow.finish(early=True).received == 0
    assert_ends_well(daemon)
    assert xdp_program(host_lab.fw) is None


@pytest.mark.parametrize("address", ["192.0.2.2", "2001:db8:1::2"])
def test_checksums_that_the_peer_left_unfinished_are_completed(host_lab, start_pfild, address):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    for kind in ("inet", "inet6"):
        guard(daemon, f"cbpf:all-{kind}", PER_PACKET, kind, on_match="count")
    completed = lambda: daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]["engine_checksums_completed"]  # noqa: E731
    assert UdpFlow(host_lab.cli, host_lab.fw, address, rate_pps=5000, count=1000, size_bytes=333).finish().clean()
    # One in 65,535 is right by chance, as it is unfinished: nothing to do.
    assert 1000 - 5 <= completed() <= 1000
    before = completed()
    host_lab.cli.run("ethtool", "-K", "eth0", "tx", "off")  # complete when they come: nothing to do
    assert UdpFlow(host_lab.cli, host_lab.fw, address, rate_pps=5000, count=1000).finish().clean()
    assert completed() == before
    family = "inet6" if ":" in address else "inet"
    assert counted(daemon, f"cbpf:all-{family}")["seen"] >= 2000
    assert_ends_well(daemon)


def test_a_capture_sees_packets_once_in_either_direction(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    guard(daemon, "cbpf:all", PER_PACKET, on_match="count")
    capture = host_lab.fw.popen("tcpdump", "-n", "-l", "--immediate-mode", "-i", "eth0", "icmp")
    capture.wait_for_output("listening on")
    assert ping(host_lab.cli, "192.0.2.2", count=50).lost == 0
    wait_until(lambda: capture.stdout.count("echo") == 100)
    time.sleep(0.05)  # there may be too many
    assert (capture.stdout.count("echo request"), capture.stdout.count("echo reply")) == (50, 50)
    assert counted(daemon, "cbpf:all")["seen"] >= 100
    assert_ends_well(daemon)


def test_what_passed_at_a_port_of_a_bridge_is_decided_at_the_bridge_too(host_lab, start_pfild):
    cli, fw = host_lab.cli, host_lab.fw
    fw.run("ip", "link", "add", "br0", "type", "bridge")
    fw.run("ip", "link", "set", "dev", "eth0", "master", "br0")
    fw.run("ip", "address", "add", "203.0.113.2/24", "dev", "br0")
    fw.run("ip", "link", "set", "dev", "br0", "up")
    cli.run("ip", "address", "add", "203.0.113.1/24", "dev", "eth0")
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    daemon.bpfctl("attach", "br0")
    assert ping(cli, "203.0.113.2", count=5).lost == 0
    guard(daemon, "cbpf:no-ping", "icmp", kind="ethernet", head="br0", direction="i")
    assert unanswered(cli, "203.0.113.2", count=10)
    assert wait_until(lambda: counted(daemon, "cbpf:no-ping")["dropped"] + known_drops(daemon, "br0") == 10)
    assert_ends_well(daemon, "eth0", "br0")


def known_drops(daemon, interface):
    return daemon.bpfctl.json("stats")["interfaces"][interface]["in"]["dropped_known"]


@pytest.mark.parametrize("mtu, size", [(1500, 64), (9000, 8900)])
def test_the_bytes_of_known_flows_are_those_of_whole_frames(host_lab, start_pfild, mtu, size):
    host_lab.set_mtu(mtu)
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    guard(daemon, "cbpf:other", "udp dst port 1")
    same = {"size_bytes": size, "source_port": 9001}
    assert UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", count=10, **same).finish().clean()
    assert wait_until(lambda: daemon.bpfctl.json("flows", "udp port 9000")["flows"])
    assert UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=2000, count=1000, **same).finish().clean()
    flow = daemon.bpfctl.json("flows", "udp port 9000")["flows"][0]
    assert flow["in"]["packets"] > 900 and flow["in"]["bytes"] == flow["in"]["packets"] * (14 + 20 + 8 + size), flow
    assert_ends_well(daemon)
