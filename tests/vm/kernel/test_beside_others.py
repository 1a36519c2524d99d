# SPDX-License-Identifier: BSD-2-Clause
"""pfild and other XDP programs on one interface, in libxdp's dispatcher: where the kernel allows freplace, as this one does."""
import subprocess

import pytest

from harness import cleanup
from harness.flow import UdpFlow
from harness.judges import assert_ends_well, wait_until
from harness.ping import ping
from harness.rules import guard

OURS, THEIRS = "pfild_in_xdp", "xdpfilt_alw_udp"


def programs_in_order(host):
    """Names of the programs in the dispatcher of eth0, in the order in which they run."""
    lines = host.run("xdp-loader", "status", "eth0").stdout.splitlines()
    return [line.split()[2] for line in lines if line.strip().startswith("=>")]


def received(lab, port):
    return UdpFlow(lab.cli, lab.fw, "192.0.2.2", rate_pps=200, count=40, port=port).finish().received


@pytest.fixture
def xdp_filter(host_lab):
    """xdp-filter on eth0 of fw, which drops what goes to UDP port 9001; xdp_filter() unloads it."""
    fw = host_lab.fw

    def unload():
        subprocess.run(fw.inside(("xdp-filter", "unload", "eth0")), capture_output=True, check=False)

    key = cleanup.register(unload)
    fw.run("xdp-filter", "load", "eth0", "--mode", "native", "--policy", "allow", "--features", "udp")
    fw.run("xdp-filter", "port", "9001", "--mode", "dst", "--proto", "udp")
    yield lambda: cleanup.run(key)
    cleanup.run(key)


def test_xdp_filter_runs_before_pfild_and_both_drop_what_is_theirs(host_lab, start_pfild, xdp_filter):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp", "--unknown", "drop")
    guard(daemon, "cbpf:blocked", "udp dst port 9002")
    assert daemon.bpfctl.interface("eth0")["heads"]["in"] == "xdp native, in a dispatcher"
    assert programs_in_order(host_lab.fw) == [THEIRS, OURS]
    assert [received(host_lab, port) for port in (9000, 9001, 9002)] == [40, 0, 0]
    daemon.kill9()
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 3
    daemon.start()
    assert programs_in_order(host_lab.fw) == [THEIRS, OURS], "the stranded one is gone"
    assert [received(host_lab, port) for port in (9000, 9001, 9002)] == [40, 0, 0]
    xdp_filter()
    assert wait_until(lambda: programs_in_order(host_lab.fw) == [OURS])
    assert [received(host_lab, port) for port in (9000, 9001, 9002)] == [40, 40, 0]
    daemon.bpfctl("detach", "eth0")
    assert programs_in_order(host_lab.fw) == []
    assert_ends_well(daemon)


def test_a_program_that_comes_after_pfild_stays_when_pfild_goes(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    guard(daemon, "cbpf:blocked", "udp dst port 9002")
    host_lab.fw.run("xdp-filter", "load", "eth0", "--mode", "native", "--policy", "allow", "--features", "udp")
    key = cleanup.register(lambda: subprocess.run(host_lab.fw.inside(("xdp-filter", "unload", "eth0")), check=False))
    host_lab.fw.run("xdp-filter", "port", "9001", "--mode", "dst", "--proto", "udp")
    assert wait_until(lambda: programs_in_order(host_lab.fw) == [THEIRS, OURS])
    assert "repaired" not in daemon.current_log(), "it is still there, in another dispatcher"
    assert [received(host_lab, port) for port in (9000, 9001, 9002)] == [40, 0, 0]
    daemon.bpfctl("detach", "eth0")
    assert programs_in_order(host_lab.fw) == [THEIRS]
    assert [received(host_lab, port) for port in (9000, 9001, 9002)] == [40, 0, 40]
    cleanup.run(key)
    assert_ends_well(daemon)


def test_xdpdump_sees_the_packets_of_an_attached_interface(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    guard(daemon, "cbpf:all", "len < 2000", on_match="count")
    dump = host_lab.fw.popen("xdpdump", "-i", "eth0", "-p", OURS, "-w", tmp_path / "seen.pcap")
    assert wait_until(lambda: "listening on" in dump.stdout + dump.stderr, timeout_s=20), dump.stdout + dump.stderr
    assert ping(host_lab.cli, "192.0.2.2", count=20, interval_ms=20).lost == 0
    dump.stop()
    shown = subprocess.run(["tcpdump", "-n", "-r", tmp_path / "seen.pcap", "icmp"], capture_output=True, text=True, check=True)
    assert shown.stdout.count("echo request") == 20
    dump.close()
    assert_ends_well(daemon)
