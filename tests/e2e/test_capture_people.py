# SPDX-License-Identifier: BSD-2-Clause
"""`bpfctl capture` as people and scripts use tcpdump: signals, promiscuous mode, broadcasts, several interfaces, files."""
import json
import os
import re
import signal
import subprocess
from collections import Counter

import pytest
from scapy.all import ICMP, IP, UDP, Ether, Raw, RawPcapReader

from harness.flow import UdpFlow
from harness.frames import FramePort
from harness.judges import assert_ends_well, wait_until
from harness.ping import ping
from harness.programs import program
from harness.tunnel import Tunnel


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


def tshark(path, *fields):
    """Rows of these fields, one a packet, as tshark reads the file."""
    command = ["tshark", "-r", path, "-T", "fields", *[word for field in fields for word in ("-e", field)]]
    read = subprocess.run(command, capture_output=True, text=True, check=True)
    return [tuple(line.split("\t")) for line in read.stdout.splitlines()]


def capinfos(path):
    return subprocess.run(["capinfos", "-M", path], capture_output=True, text=True, check=True).stdout


def test_several_interfaces_are_captured_together_and_each_packet_tells_its_own(router_lab, start_pfild, tmp_path):
    fw = router_lab.fw
    with Tunnel(fw, "tun0", "203.0.113.1/24") as tunnel:
        daemon = start_pfild(fw)
        daemon.bpfctl("attach", "eth0")
        daemon.bpfctl("attach", "eth1", "--tap")
        daemon.bpfctl("attach", "tun0", "--tap")
        names = ["-i", "eth0", "-i", "eth1", "-i", "tun0"]
        file = start_capture(daemon, *names, "-w", tmp_path / "a.pcapng", "icmp")
        lines = start_capture(daemon, *names, "icmp")
        objects = daemon.host.popen(program("bpfctl"), "-N", daemon.name, "capture", *names, "--json", "icmp")
        assert wait_until(lambda: len(daemon.bpfctl.json("peers")["devices"]) == 9, timeout_s=20)
        assert ping(router_lab.cli, "192.0.2.2", count=3).lost == 0
        assert ping(router_lab.srv, "198.51.100.2", count=2).lost == 0
        tunnel.receive(bytes(IP(src="203.0.113.2", dst="203.0.113.1") / ICMP(id=7) / b"ping"))
        expected = {("eth0", "in"): 3, ("eth0", "out"): 3, ("eth1", "in"): 2, ("eth1", "out"): 2, ("tun0", "in"): 1, ("tun0", "out"): 1}
        assert wait_until(lambda: lines.stdout.count("ICMP echo") == 12, timeout_s=20), lines.stdout
        said = re.findall(r"^\S+ (\S+) +(In|Out) +IP \S+ > \S+ ICMP echo", lines.stdout, re.M)
        assert Counter((name, direction.lower()) for name, direction in said) == expected, lines.stdout
        for capture in (file, lines, objects):
            capture.signal(signal.SIGINT)
            assert capture.wait(20) == 0, capture.stderr
        *packets, last = map(json.loads, objects.stdout.splitlines())
        assert Counter((one["interface"], one["direction"]) for one in packets) == expected
        assert last["statistics"]["captured"] == 12
        rows = tshark(tmp_path / "a.pcapng", "frame.interface_name", "frame.packet_flags_direction", "frame.time_epoch")
        words = {"0x00000001": "in", "0x00000002": "out"}
        assert Counter((name, words[flags]) for name, flags, _ in rows) == expected, rows
        times = [float(time) for _, _, time in rows]
        assert times == sorted(times)
        said = capinfos(tmp_path / "a.pcapng")
        assert re.search(r"Number of interfaces in file: 3", said) and "Number of packets:   12" in said, said
        assert "Interface #2 info:" in said and said.count("Number of stat entries = 1") == 3, said
        refused = daemon.bpfctl.refused("capture", *names, "-w", tmp_path / "a.pcap", "icmp")
        assert refused.exit_code == 1 and "one link type" in refused.line, refused
        assert_ends_well(daemon, "eth0", "eth1", "tun0")


def test_any_tells_interface_and_direction_in_text_and_in_a_file(router_lab, start_pfild, tmp_path):
    daemon = start_pfild(router_lab.fw)
    daemon.bpfctl("attach", "eth0")
    daemon.bpfctl("attach", "eth1")
    file = start_capture(daemon, "any", "-w", tmp_path / "a.capture", "icmp")
    plain = start_capture(daemon, "any", "-w", tmp_path / "a.pcap", "icmp")
    lines = start_capture(daemon, "any", "icmp")
    without = daemon.host.popen("env", "PATH=/nonexistent", program("bpfctl"), "-N", daemon.name, "capture", "any", "icmp")
    without.wait_for_output("capturing on")
    assert ping(router_lab.cli, "198.51.100.1", count=5).lost == 0
    expected = {(name, direction): 5 for name in ("eth0", "eth1") for direction in ("in", "out")}
    assert wait_until(lambda: lines.stdout.count("ICMP echo") == without.stdout.count("length") == 20, timeout_s=20), lines.stdout
    for capture in (file, plain, lines, without):
        capture.signal(signal.SIGINT)
        assert capture.wait(20) == 0, capture.stderr
    said = re.findall(r"^\S+ (\S+) +(In|Out) +IP ", lines.stdout, re.M)
    assert Counter((name, direction.lower()) for name, direction in said) == expected, lines.stdout
    assert Counter(re.findall(r"^\S+ (eth\d) (in|out)", without.stdout, re.M)) == expected, without.stdout
    rows = tshark(tmp_path / "a.capture", "frame.interface_name", "frame.packet_flags_direction")
    assert Counter(rows) == {("eth0", "0x00000001"): 5, ("eth0", "0x00000002"): 5, ("eth1", "0x00000001"): 5, ("eth1", "0x00000002"): 5}
    assert "pcapng" in capinfos(tmp_path / "a.capture")
    assert "nsecpcap" in capinfos(tmp_path / "a.pcap") and len(packets_in(tmp_path / "a.pcap")) == 20
    assert_ends_well(daemon, "eth0", "eth1")


def test_files_follow_each_other_and_no_packet_is_lost_or_counted_twice(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    many = start_capture(daemon, "eth0", "-w", tmp_path / "many.pcap", "-C", "1", "udp port 9000")
    ring = start_capture(daemon, "eth0", "-w", tmp_path / "ring.pcapng", "-C", "1", "-W", "2", "udp port 9000")
    limited = start_capture(daemon, "eth0", "-w", tmp_path / "limited.pcapng", "--limit-bytes", "500000", "udp port 9000")
    timed = start_capture(daemon, "eth0", "-w", tmp_path / "timed-%s.pcapng", "-G", "1", "udp port 9000")
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=10_000, count=40_000)
    assert flow.finish().clean()
    assert wait_until(lambda: [one["captured"] for one in daemon.bpfctl.json("peers")["devices"]].count(40_000) >= 3, timeout_s=20)
    assert limited.wait(20) == 0
    counted = {}
    for name, capture in {"many": many, "ring": ring, "timed": timed}.items():
        capture.signal(signal.SIGINT)
        assert capture.wait(20) == 0, capture.stderr
        counted[name] = int(re.search(r"(\d+) packets captured", capture.stderr)[1])
    assert counted == {"many": 40_000, "ring": 40_000, "timed": 40_000}
    files = [tmp_path / ("many.pcap" + (str(number) if number else "")) for number in range(len(list(tmp_path.glob("many.*"))))]
    assert len(files) >= 3 and all(1_000_000 <= file.stat().st_size < 1_002_000 for file in files[:-1])
    numbers = [int.from_bytes(packet[50:58], "little") for file in files for packet in packets_in(file)]
    assert numbers == list(range(40_000))
    rings = sorted(file.name for file in tmp_path.glob("ring.*"))
    assert rings == ["ring.pcapng0", "ring.pcapng1"]
    assert all(re.search(r"Number of interfaces in file: 1", capinfos(tmp_path / name)) for name in rings)
    slices = sorted(tmp_path.glob("timed-*.pcapng"))
    assert len(slices) >= 3
    assert sum(int(re.search(r"Number of packets: +(\d+)", capinfos(file))[1]) for file in slices) == 40_000
    kept = int(re.search(r"(\d+) packets captured", limited.stderr)[1])
    assert kept == int(re.search(r"Number of packets: +(\d+)", capinfos(tmp_path / "limited.pcapng"))[1]) > 1000
    assert (tmp_path / "limited.pcapng").stat().st_size < 501_000
    assert_ends_well(daemon)


def test_a_capture_waits_for_its_interface_and_ends_after_its_time(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    capture = daemon.host.popen(
        program("bpfctl"), "-N", daemon.name, "capture", "eth0", "--wait", "--duration", "3", "-w", tmp_path / "a.pcap", "icmp"
    )
    capture.wait_for_output("waiting for eth0 to be attached", timeout_s=20)
    daemon.bpfctl("attach", "eth0")
    capture.wait_for_output("capturing on eth0", timeout_s=20)
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    assert capture.wait(30) == 0, capture.stderr
    assert len(packets_in(tmp_path / "a.pcap")) == 6
    waiting = daemon.host.popen(program("bpfctl"), "-N", daemon.name, "capture", "eth9", "--wait")
    waiting.wait_for_output("waiting for eth9", timeout_s=20)
    waiting.signal(signal.SIGINT)
    assert waiting.wait(20) == 0
    assert_ends_well(daemon)
