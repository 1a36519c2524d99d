# SPDX-License-Identifier: BSD-2-Clause
"""Programs nobody here wrote, on /dev/bpf: stock tcpdump over Debian's libpcap with its BPF back end, both as they are."""
import pathlib
import pwd
import re
import signal
import subprocess

import pytest
from scapy.all import rdpcap

from harness import bpf_libpcap
from harness.judges import wait_until
from harness.ping import ping
from harness.process import Process
from harness.programs import program, program_environment

PATIENCE_S = 30


@pytest.fixture(scope="module")
def libpcap():
    """Made once, which may take a busy machine minutes: not in the time of the first test."""
    left_s = signal.alarm(0)
    folder = bpf_libpcap.folder()
    signal.alarm(left_s)
    return folder


def start_tcpdump(daemon, libpcap, *words):
    """A Process that listens; on /dev/bpf."""
    environment = [f"PATH={program_environment()['PATH']}", f"LD_LIBRARY_PATH={libpcap}"]
    process = Process(["env", *environment, program("bpfctl"), "-N", daemon.name, "devbpf", "run", "tcpdump", "-n", *words])
    process.wait_for_output("listening on", PATIENCE_S)
    return process


def said_of(process, what):
    return int(re.search(rf"(\d+) packets? {what}", process.stderr)[1])


def test_tcpdump_shows_packets_and_counts_them_and_drops_its_privileges(host_lab, daemon, libpcap):
    process = start_tcpdump(daemon, libpcap, "-i", "eth0", "-Z", "tcpdump", "-c", "10", "icmp")
    (device,) = daemon.bpfctl.json("peers")["devices"]
    assert device["interface"] == "eth0", "it is on our device"
    child = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
    user = pwd.getpwnam("tcpdump").pw_uid
    wait_until(lambda: f"Uid:\t{user}\t{user}" in pathlib.Path(f"/proc/{child}/status").read_text(), PATIENCE_S)
    assert ping(host_lab.cli, host_lab.fw.eth0.ipv4, count=10, interval_ms=20).lost == 0
    assert process.wait(PATIENCE_S) == 0, process.stderr
    assert process.stdout.count("ICMP echo re") == 10
    assert said_of(process, "captured") == 10 and said_of(process, "dropped by kernel") == 0
    wait_until(lambda: not daemon.bpfctl.json("peers")["devices"], PATIENCE_S)


def test_a_file_has_the_packets_that_one_of_AF_PACKET_has(host_lab, daemon, libpcap, tmp_path):
    ours, theirs = tmp_path / "bpf.pcap", tmp_path / "packet.pcap"
    expression = "icmp6 and ip6[40] >= 128 and ip6[40] <= 129"
    process = start_tcpdump(daemon, libpcap, "-i", "eth0", "-Z", "root", "-U", "-w", ours, expression)
    other = host_lab.cli.popen("tcpdump", "-n", "-i", "eth0", "-Z", "root", "-U", "-w", theirs, expression)
    other.wait_for_output("listening on", PATIENCE_S)
    assert ping(host_lab.cli, host_lab.fw.eth0.ipv6, count=50, interval_ms=10, size_bytes=1400).lost == 0
    wait_until(lambda: len(rdpcap(str(theirs))) >= 100 and len(rdpcap(str(ours))) >= 100, PATIENCE_S)
    process.stop()
    other.stop()
    assert [bytes(one) for one in rdpcap(str(ours))] == [bytes(one) for one in rdpcap(str(theirs))]


def test_tcpdump_says_that_its_interface_is_gone(host_lab, daemon, libpcap):
    process = start_tcpdump(daemon, libpcap, "-i", "eth0")
    host_lab.fw.run("ip", "link", "del", "eth0")
    assert process.wait(PATIENCE_S) == 1
    assert "disappeared" in process.stderr
    assert daemon.stop() == 0


def test_link_types_and_directions_are_listed_and_obeyed(host_lab, daemon, libpcap):
    process = start_tcpdump(daemon, libpcap, "-i", "eth0", "-Q", "out", "-c", "5", "icmp")
    assert ping(host_lab.cli, host_lab.fw.eth0.ipv4, count=5, interval_ms=20).lost == 0
    assert process.wait(PATIENCE_S) == 0
    assert process.stdout.count("echo reply") == 5 and "echo request" not in process.stdout
    environment = {**program_environment(), "LD_LIBRARY_PATH": str(libpcap)}
    command = [program("bpfctl"), "-N", daemon.name, "devbpf", "run", "tcpdump", "-i", "eth0", "-L"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0 and "EN10MB" in done.stdout + done.stderr
