# SPDX-License-Identifier: BSD-2-Clause
"""`bpfctl capture` as people and scripts use tcpdump: signals, promiscuous mode, broadcasts."""
import os
import re
import signal

import pytest
from scapy.all import IP, UDP, Ether, Raw, RawPcapReader

from harness.frames import FramePort
from harness.judges import assert_ends_well, wait_until
from harness.ping import ping
from harness.programs import program


def start_capture(daemon, *words):
    capture = daemon.host.popen(program("bpfctl"), "-N", daemon.name, "capture", *words)
    capture.wait_for_output("capturing on")
    return capture


def packets_in(path):
    return [data for data, _ in RawPcapReader(str(path))]


def promiscuity(host, interface="eth0"):
    return int(re.search(r"promiscuity (\d+)", host.run("ip", "-d", "link", "show", "dev", interface).stdout)[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_background_job_of_a_shell_ends_by_a_signal_with_its_statistics(host_lab, start_pfild, tmp_path, number):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    words = f"{program('bpfctl')} -N {daemon.name} capture eth0 -w {tmp_path}/a.pcap icmp"
    shell = host_lab.fw.popen("sh", "-c", f"{words} & echo $! > {tmp_path}/pid; wait $!; echo ended with $?")
    shell.wait_for_output("capturing on")
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    os.kill(int((tmp_path / "pid").read_text()), number)
    assert shell.wait(20) == 0
    assert "ended with 0" in shell.stdout and "6 packets captured" in shell.stderr, shell.stderr
    assert len(packets_in(tmp_path / "a.pcap")) == 6
    assert_ends_well(daemon)


def test_nohup_keeps_a_capture_and_two_signals_ask_it(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    file = tmp_path / "a.pcap"
    capture = host_lab.fw.popen("nohup", program("bpfctl"), "-N", daemon.name, "capture", "eth0", "-w", file, "icmp")
    capture.wait_for_output("capturing on eth0")
    assert "2 buffers of 4 MiB" in capture.stderr
    capture.signal(signal.SIGHUP)
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    capture.signal(signal.SIGUSR2)
    assert wait_until(lambda: len(packets_in(file)) == 4, timeout_s=20)
    capture.signal(signal.SIGUSR1)
    capture.wait_for_output("bpfctl: 4 packets captured, ", timeout_s=20)
    assert capture.running()
    capture.signal(signal.SIGINT)
    assert capture.wait(20) == 0
    assert_ends_well(daemon)


def test_a_capture_sees_what_is_sent_to_others_unless_it_shall_not(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    before = promiscuity(host_lab.fw)
    capture = start_capture(daemon, "eth0", "-w", tmp_path / "a.pcap", "icmp")
    assert promiscuity(host_lab.fw) == before + 1
    capture.signal(signal.SIGINT)
    assert capture.wait(20) == 0
    assert wait_until(lambda: promiscuity(host_lab.fw) == before, timeout_s=20)
    for words in (["eth0", "-p"], ["any"]):
        capture = start_capture(daemon, *words, "-w", tmp_path / "a.pcap", "icmp")
        assert promiscuity(host_lab.fw) == before
        capture.signal(signal.SIGINT)
        assert capture.wait(20) == 0
    assert_ends_well(daemon)


def test_a_broadcast_is_one_by_the_netmask_of_the_interface(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    file = tmp_path / "a.pcap"
    capture = start_capture(daemon, "eth0", "--direction", "in", "-c", "2", "-w", file, "ip broadcast and udp")
    made = [
        bytes(Ether(src=host_lab.cli.eth0.mac, dst=host_lab.fw.eth0.mac) / IP(src="192.0.2.1", dst=to) / UDP(sport=1, dport=9) / Raw(b"x" * 20))
        for to in ("192.0.2.2", "192.0.2.127", "192.0.2.255", "192.0.3.254", "255.255.255.255")
    ]
    with FramePort(host_lab.cli) as port:
        port.send(*made)
    assert capture.wait(20) == 0, capture.stderr
    assert [IP(frame[14:]).dst for frame in packets_in(file)] == ["192.0.2.255", "255.255.255.255"]
    refused = daemon.bpfctl.refused("capture", "any", "-w", file, "ip broadcast")
    assert refused.exit_code == 1 and "netmask" in refused.line
    assert_ends_well(daemon)
