# SPDX-License-Identifier: BSD-2-Clause
"""`bpfctl capture` and `bpfctl peers`, and programs that capture under load, many at once, or end without a word."""
import json
import os
import random
import re
import select
import signal
import subprocess
import time

import pytest
from scapy.all import ICMP, IP, RawPcapReader

from harness.device import Device, DeviceError, connect
from harness.flow import UdpFlow
from harness.judges import assert_ends_well, wait_until
from harness.ping import ping, unanswered
from harness.programs import program
from harness.rules import guard
from harness.tunnel import Tunnel

STATISTICS = re.compile(r"(\d+) packets? captured\s+(\d+) packets? received by filter\s+(\d+) packets? dropped by kernel")


def start_capture(daemon, *words):
    capture = daemon.host.popen(program("bpfctl"), "-N", daemon.name, "capture", *words)
    capture.wait_for_output("capturing on")
    return capture


def end(capture):
    """(captured, received, dropped) as it says at its end."""
    capture.signal(signal.SIGINT)
    assert capture.wait(20) == 0, capture.stderr
    return tuple(map(int, STATISTICS.search(capture.stderr).groups()))


def packets_in(path):
    return [data for data, _ in RawPcapReader(str(path))]


def test_a_capture_shows_a_line_for_each_packet_and_what_it_counted(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    capture = start_capture(daemon, "eth0", "icmp")
    assert ping(host_lab.cli, "192.0.2.2", count=10).lost == 0
    assert wait_until(lambda: capture.stdout.count("ICMP echo") == 20), capture.stdout
    captured, received, dropped = end(capture)
    assert (captured, dropped) == (20, 0) and received >= 20  # ARP is received, too
    said = re.findall(r"ICMP echo (request|reply), id \d+, seq (\d+)", capture.stdout)
    for kind in ("request", "reply"):
        assert [int(number) for what, number in said if what == kind] == list(range(1, 11)), said
    assert all(said.index(("request", number)) < said.index(("reply", number)) for _, number in said), said
    assert_ends_well(daemon)


def test_a_capture_ends_by_itself_after_so_many_and_its_file_is_one_that_tcpdump_reads(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    file = tmp_path / "ten.pcap"
    capture = start_capture(daemon, "eth0", "-w", file, "-c", "10", "-s", "60", "--direction", "in", "icmp")
    assert ping(host_lab.cli, "192.0.2.2", count=20).lost == 0
    assert capture.wait() == 0, capture.stderr
    packets = packets_in(file)
    assert len(packets) == 10 and set(map(len, packets)) == {60}
    read = subprocess.run(["tcpdump", "-n", "-r", file], capture_output=True, text=True, check=True)
    assert read.stdout.count("192.0.2.1 > 192.0.2.2: ICMP echo request") == 10, read.stdout
    assert_ends_well(daemon)


def test_a_capture_of_a_tunnel_has_packets_that_begin_with_their_ip_header(host_lab, start_pfild, tmp_path):
    fw = host_lab.fw
    with Tunnel(fw, "tun0", "198.51.100.1/24") as tunnel:
        daemon = start_pfild(fw)
        daemon.bpfctl("attach", "tun0", "--tap")
        file = tmp_path / "tunnel.pcap"
        capture = start_capture(daemon, "tun0", "-w", file, "icmp")
        pings = [bytes(IP(src="198.51.100.2", dst="198.51.100.1") / ICMP(id=7, seq=number) / b"ping") for number in range(10)]
        tunnel.receive(*pings)
        assert wait_until(lambda: daemon.bpfctl.json("peers")["devices"][0]["captured"] == 20)
        assert end(capture)[0] == 20
        captured = packets_in(file)
        assert [packet for packet in captured if IP(packet)[ICMP].type == 8] == pings
        assert [IP(packet)[ICMP].seq for packet in captured if IP(packet)[ICMP].type == 0] == list(range(10))
        shown = start_capture(daemon, "tun0", "-c", "2", "icmp")
        tunnel.receive(pings[0])
        assert shown.wait() == 0 and "198.51.100.2 > 198.51.100.1: ICMP echo request, id 7, seq 0" in shown.stdout
        assert_ends_well(daemon, "tun0")


def test_what_is_blocked_is_captured_as_it_comes_in(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--unknown", "drop")
    guard(daemon, "cbpf:no-ping", "icmp")
    capture = host_lab.fw.popen(program("bpfctl"), "-N", daemon.name, "capture", "eth0", "--json", "icmp")
    assert wait_until(lambda: [peer["state"] for peer in daemon.bpfctl.json("peers")["devices"]] == ["attached"])
    assert unanswered(host_lab.cli, "192.0.2.2", count=10)
    assert wait_until(lambda: capture.stdout.count('"direction":"in"') == 10), capture.stdout
    capture.signal(signal.SIGTERM)
    assert capture.wait() == 0
    *packets, last = map(json.loads, capture.stdout.splitlines())
    assert {(one["interface"], one["direction"]) for one in packets} == {("eth0", "in")}
    assert last["statistics"]["captured"] == 10 and last["statistics"]["dropped"] == 0
    assert_ends_well(daemon)


def test_peers_are_who_captures_and_what_they_have_got(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    assert daemon.bpfctl.json("peers")["count"] == 0
    capture = start_capture(daemon, "eth0", "-w", "/dev/null", "icmp")
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    assert wait_until(lambda: [peer["captured"] for peer in daemon.bpfctl.json("peers")["devices"]] == [10])
    [peer] = daemon.bpfctl.json("peers")["devices"]
    assert (peer["pid"], peer["interface"], peer["state"], peer["captured"]) == (capture.pid, "eth0", "attached", 10)
    assert "bpfctl" in daemon.bpfctl("peers")
    assert end(capture)[0] == 10
    assert wait_until(lambda: daemon.bpfctl.json("peers")["count"] == 0)
    assert daemon.bpfctl.json("peers")["totals"]["captured"] == 10
    assert_ends_well(daemon)


def test_a_capture_ends_with_its_interface_after_it_has_written_what_there_was(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--tap")
    capture = start_capture(daemon, "eth0", "-w", tmp_path / "all.pcap", "udp port 9000")
    assert UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", count=200).finish().clean()
    daemon.bpfctl("detach", "eth0")
    assert capture.wait() == 1 and "gone" in capture.stderr, capture.stderr
    assert len(packets_in(tmp_path / "all.pcap")) == 200
    assert_ends_well(daemon)


def test_the_17th_device_is_refused_and_there_is_room_again_when_one_has_ended(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    devices = [Device(daemon) for _ in range(16)]
    with pytest.raises(DeviceError) as refused:
        Device(daemon)
    assert refused.value.errno == 105, refused.value  # ENOBUFS
    devices.pop().close()
    assert wait_until(lambda: daemon.bpfctl.json("peers")["count"] == 15)
    devices.append(Device(daemon))
    for device in devices:
        device.close()
    assert_ends_well(daemon)


def test_a_capture_for_which_there_is_no_connection_says_so(host_lab, start_pfild):
    """Whether it is turned away before it has asked, or with its question unread."""
    daemon = start_pfild(host_lab.fw)
    connections = [connect(daemon) for _ in range(32)]
    for _ in range(10):
        refusal = daemon.bpfctl.refused("capture", "eth0")
        assert refusal.exit_code == 1, refusal
        assert refusal.line == "bpfctl: connect: user 0 has 32 connections already (close one)", refusal
    for connection in connections:
        connection.close()
    assert_ends_well(daemon)


def test_the_descriptor_of_a_device_can_be_polled_by_a_child_and_a_duplicate(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    with Device(daemon, "eth0", "icmp", immediate=True) as device:
        assert not device.readable()
        copy = os.dup(device.readiness)
        child = os.fork()
        if child == 0:
            os._exit(0 if select.select([copy], [], [], 5)[0] else 1)
        epoll = select.epoll()
        epoll.register(copy, select.EPOLLIN)
        assert ping(host_lab.cli, "192.0.2.2", count=1).lost == 0
        assert epoll.poll(5) and os.waitpid(child, 0)[1] == 0
        assert wait_until(lambda: device.stats()["captured"] == 2)  # the answer, too
        assert len(device.read_all()) == 2
        assert not device.readable() and not epoll.poll(0)
        os.close(copy)
    assert_ends_well(daemon)


def test_an_immediate_reader_has_a_packet_within_a_millisecond(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    late_ms = []
    with Device(daemon, "eth0", "udp port 9000", immediate=True) as device:
        flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=50, count=100)  # the device thread sleeps in between
        while len(late_ms) < 100:
            for record in device.read():
                late_ms.append((time.time() - record.time) * 1e3)
        assert flow.finish().clean()
    late_ms.sort()
    assert late_ms[90] < 1.0, late_ms[50:]  # a tenth for what else the machine does
    assert_ends_well(daemon)


def test_8_captures_of_200_kpps_get_what_tcpdump_gets_and_account_for_every_packet(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    # Four whole flows, and of the first one packet of 128 each: its number is in the payload, low byte first.
    expressions = [f"udp port {9000 + number}" for number in range(4)]
    expressions += [f"udp port 9000 and udp[16] & 0x7f = {number}" for number in range(4)]
    ours = [start_capture(daemon, "eth0", "-s", "96", "-w", tmp_path / f"{n}.ours", e) for n, e in enumerate(expressions)]
    theirs = []
    for number, expression in enumerate(expressions):
        words = ["-i", "eth0", "-B", "65536", "-s", "96", "-w", tmp_path / f"{number}.theirs", expression]
        theirs.append(host_lab.fw.popen("tcpdump", *words))
        theirs[-1].wait_for_output("listening on")
    flows = [UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=50_000, count=500_000, port=9000 + n) for n in range(4)]
    for flow in flows:
        flow.finish()

    def unaccounted():
        return [device for device in daemon.bpfctl.json("peers")["devices"] if not accounts_for(device, 2_000_000)]

    assert wait_until(lambda: not unaccounted()), unaccounted()
    for tcpdump, wanted in zip(theirs, [500_000] * 4 + [500_000 // 128] * 4):
        assert wait_until(lambda: passed_tcpdump(tcpdump) >= wanted, timeout_s=10, step_s=0.1), tcpdump.stderr  # noqa: B023
    compared = 0
    for number, (capture, tcpdump) in enumerate(zip(ours, theirs)):
        captured, received, dropped = end(capture)
        tcpdump.signal(signal.SIGINT)
        tcpdump.wait(20)
        missed = int(re.findall(r"(\d+) packets? dropped by kernel", tcpdump.stderr)[-1])
        assert received >= 2_000_000
        assert dropped == 0 and captured == (500_000 if number < 4 else 500_000 // 128 + (number - 4 < 500_000 % 128)), number
        packets = packets_in(tmp_path / f"{number}.ours")
        assert sorted(map(number_in, packets)) == list(range(number - 4, 500_000, 128) if number >= 4 else range(500_000))
        if not missed:
            assert sorted(packets) == sorted(packets_in(tmp_path / f"{number}.theirs")), number
            compared += 1
    assert compared >= 4, "tcpdump itself lost packets"
    assert_ends_well(daemon)


def accounts_for(device, packets):
    fates = device["delivered"] + device["dropped"] + device["buffered"] + device["flushed"]
    return device["received"] == device["captured"] + device["filtered"] >= packets and device["captured"] == fates


def passed_tcpdump(tcpdump):
    """Packets that it has captured or lost, as it last said; it is asked to say it again."""
    said = re.findall(r"(\d+) packets? captured, .* (\d+) packets? dropped by kernel", tcpdump.stderr)
    tcpdump.signal(signal.SIGUSR1)
    return sum(map(int, said[-1])) if said else 0


def number_in(frame):
    """What udp_flow has numbered it with."""
    return int.from_bytes(frame[50:58], "little")


def test_1000_clients_that_are_killed_under_load_leave_nothing(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=20_000, count=10_000_000)
    rng = random.Random(3)
    before = footprint(daemon)
    killed = 0
    while killed < 1000:
        clients = [forked_client(daemon, rng.random() < 0.5) for _ in range(8)]
        time.sleep(rng.random() * 0.05)
        for client in clients:
            os.kill(client, signal.SIGKILL)
            os.waitpid(client, 0)
        killed += len(clients)
    result = flow.finish(early=True)
    assert result.clean(), result
    assert wait_until(lambda: daemon.bpfctl.json("peers")["count"] == 0)
    assert "promiscuity 0" in host_lab.fw.run("ip", "-d", "link", "show", "dev", "eth0").stdout
    assert wait_until(lambda: footprint(daemon)["descriptors"] <= before["descriptors"] + 2), (before, footprint(daemon))
    after = footprint(daemon)
    assert after["rss_kib"] <= before["rss_kib"] + 16 * 2 * 256 + 4096, (before, after)
    assert_ends_well(daemon)


def forked_client(daemon, promiscuous):
    """A process that opens a device and reads from it until it is killed."""
    child = os.fork()
    if child == 0:
        try:
            device = Device(daemon, "eth0", "udp", immediate=True)
            if promiscuous:
                device.ask(9)
            while True:
                device.read()
        finally:
            os._exit(1)
    return child


def footprint(daemon):
    status = dict(line.split(":", 1) for line in open(f"/proc/{daemon.pid}/status", encoding="ascii") if ":" in line)
    return {"descriptors": len(os.listdir(f"/proc/{daemon.pid}/fd")), "rss_kib": int(status["VmRSS"].split()[0])}
