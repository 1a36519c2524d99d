# SPDX-License-Identifier: BSD-2-Clause
"""Capture devices on real traffic: every packet once, as it was, in order, whoever decided about it."""
import random
import time

import pytest
from scapy.all import ICMP, IP, TCP, UDP, Dot1Q, Ether, Raw, RawPcapReader

from harness.device import Device
from harness.flow import UdpFlow
from harness.frames import FramePort
from harness.judges import assert_ends_well, wait_until
from harness.rules import guard

FROM_CLI = "ether src 02:00:00:00:01:01 and (tcp or udp or vlan)"
PER_PACKET = "len < 20000"  # never the flow's alone: every packet goes up

# (what decides, hooks)
WAYS = {
    "kernel": [],
    "engine": [("cbpf:look", PER_PACKET, "count")],
    "engine, dropped": [("cbpf:no-udp", "udp and len < 20000", "drop")],
    "mixed": [("cbpf:some", "udp dst portrange 20000-20049", "drop"), ("cbpf:look", "len > 600", "count")],
}


def frames(source, target, count):
    """Different ones: every number has a payload of its own."""
    rng = random.Random(4)
    made = []
    for number in range(count):
        transport = (UDP if number % 3 else TCP)(sport=4000, dport=20_000 + number % 100)
        network = IP(src=source.ipv4, dst=target.ipv4) / transport
        payload = Raw(number.to_bytes(4, "big") + bytes(rng.randrange(0, 1400)))
        link = Ether(src=source.mac, dst=target.mac)
        made.append(bytes((link / Dot1Q(vlan=5) if number % 10 == 9 else link) / network / payload))
    return made


def send(host, made):
    """Slowly enough for any queue on the way."""
    with FramePort(host) as port:
        for start in range(0, len(made), 20):
            port.send(*made[start : start + 20])
            time.sleep(0.005)


def passes(frame, way):
    """Whether a frame of frames() meets no hook that drops it."""
    packet = Ether(frame)
    if way == "engine, dropped":
        return UDP not in packet
    return not (way == "mixed" and UDP in packet and packet[UDP].dport < 20_050)


def guarded(daemon, way):
    daemon.bpfctl("attach", "eth0")
    for name, expression, on_match in WAYS[way]:
        guard(daemon, name, expression, "inet", on_match=on_match)


def collected(device, wanted, timeout_s=5):
    records = []

    def enough():
        records.extend(device.read_all())
        return len(records) >= wanted

    wait_until(enough, timeout_s)
    time.sleep(0.1)  # there may be too many
    return records + device.read_all()


def assert_accounted(stats):
    assert stats["received"] == stats["captured"] + stats["filtered"], stats
    assert stats["captured"] == sum(stats[one] for one in ("delivered", "dropped", "buffered", "flushed")), stats


@pytest.mark.parametrize("way", WAYS)
def test_incoming_packets_are_captured_as_they_were_sent_also_when_they_are_dropped(host_lab, start_pfild, way):
    daemon = start_pfild(host_lab.fw)
    guarded(daemon, way)
    made = frames(host_lab.cli.eth0, host_lab.fw.eth0, 500)
    with Device(daemon, "eth0", FROM_CLI, outgoing=False) as device:
        send(host_lab.cli, made)
        records = collected(device, len(made))
        assert [record.data for record in records] == made
        assert [record.length for record in records] == list(map(len, made))
        assert {record.direction for record in records} == {"in"}
        assert abs(records[-1].time - time.time()) < 30
        assert [record.time for record in records] == sorted(record.time for record in records)
        assert_accounted(device.stats())
        assert device.stats()["delivered"] == len(made)
    assert_ends_well(daemon)


@pytest.mark.parametrize("way", WAYS)
def test_outgoing_packets_are_captured_when_no_hook_has_dropped_them(host_lab, start_pfild, way):
    daemon = start_pfild(host_lab.fw)
    guarded(daemon, way)
    made = frames(host_lab.fw.eth0, host_lab.cli.eth0, 500)
    expected = [frame for frame in made if passes(frame, way)]
    with Device(daemon, "eth0", "ether src 02:00:00:00:01:02 and (tcp dst portrange 20000-20100 or udp or vlan)", incoming=False) as device:
        send(host_lab.fw, made)
        records = collected(device, len(expected))
        assert sorted(record.data for record in records) == sorted(expected)
        if way != "mixed":  # packets that the kernel answers overtake those that go up, of other flows
            assert [record.data for record in records] == expected
        assert {record.direction for record in records} == {"out"}
        assert_accounted(device.stats())
    assert_ends_well(daemon)


@pytest.mark.parametrize("way", ["kernel", "engine"])
def test_jumbo_frames_are_captured_whole(host_lab, start_pfild, way):
    host_lab.set_mtu(9000)
    daemon = start_pfild(host_lab.fw)
    guarded(daemon, way)
    made = [frame + bytes(range(256)) * 29 for frame in frames(host_lab.cli.eth0, host_lab.fw.eth0, 50)]
    with Device(daemon, "eth0", FROM_CLI, outgoing=False) as device:
        send(host_lab.cli, made)
        records = collected(device, len(made))
        assert [record.data for record in records] == made
        assert_accounted(device.stats())
    assert_ends_well(daemon)


def test_no_more_is_kept_of_a_packet_than_the_filter_asks_for(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    made = frames(host_lab.cli.eth0, host_lab.fw.eth0, 50)
    with Device(daemon, "eth0", outgoing=False) as device:
        device.set_filter(FROM_CLI, snap=40)
        send(host_lab.cli, made)
        records = collected(device, len(made))
        assert [record.data for record in records] == [frame[:40] for frame in made]
        assert [record.length for record in records] == list(map(len, made))
    assert_ends_well(daemon)


def test_whole_segments_that_the_kernel_has_not_cut_are_captured_as_tcpdump_sees_them(
    host_lab, start_pfild, serve_http, tmp_path
):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--tap")  # nothing is cut on its way through the engine
    theirs = tmp_path / "tcpdump.pcap"
    expression = "tcp port 8080"
    options = ["--immediate-mode", "-U", "-B", "65536", "-s", "0"]
    tcpdump = host_lab.fw.popen("tcpdump", "-i", "eth0", *options, "-w", theirs, expression)
    tcpdump.wait_for_output("listening on")
    with Device(daemon, "eth0", expression) as device:
        server = serve_http(host_lab.fw)
        records = []

        def captured_by_both():
            records.extend(device.read_all())
            ours = [record.data for record in records]
            return ends_in(ours) == 4 and sorted(ours) == sorted(packets_in(theirs))

        assert server.download(host_lab.cli, "192.0.2.2", 300_000).ok
        records += device.read_all()
        assert server.upload(host_lab.cli, "192.0.2.2", 300_000).ok
        assert wait_until(captured_by_both, timeout_s=10)
        assert device.stats()["dropped"] == 0
    tcpdump.stop()
    assert sorted(record.data for record in records) == sorted(packets_in(theirs))
    assert max(record.length for record in records) > 10_000, "nothing was put together"
    assert_ends_well(daemon)


def ends_in(frames):
    """Packets that say that one side of a connection has no more to send."""
    return sum("F" in Ether(frame)[TCP].flags for frame in frames)


def packets_in(path):
    return [data for data, _ in RawPcapReader(str(path))]


def test_a_reader_of_lo_sees_each_packet_once(host_lab, start_pfild):
    fw = host_lab.fw
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "lo", "--tap")
    assert daemon.bpfctl.interface("lo")["mode"] == "tap"
    with Device(daemon, "lo", "icmp") as device:
        fw.run("ping", "-c", "5", "-i", "0.01", "127.0.0.1")
        records = collected(device, 10)
        assert len(records) == 10 and {record.direction for record in records} == {"out"}
        assert [Ether(record.data)[ICMP].type for record in records] == [8, 0] * 5
    daemon.bpfctl("detach", "lo")
    assert_ends_well(daemon, "lo")


def test_a_tag_beside_an_outgoing_packet_is_shown_where_the_wire_has_it(router_lab, start_pfild):
    fw = router_lab.fw  # a bridge: the tag is taken out of what comes in by eth0, and goes beside it to eth1
    fw.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    for interface in ("eth0", "eth1"):
        fw.run("ip", "link", "set", interface, "master", "br0")
    fw.run("ip", "link", "set", "br0", "up")
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "eth1")
    made = frames(router_lab.cli.eth0, router_lab.srv.eth0, 100)
    with Device(daemon, "eth1", FROM_CLI, incoming=False) as device:
        send(router_lab.cli, made)
        records = collected(device, len(made))
        assert [record.data for record in records] == made
        assert sum(Dot1Q in Ether(record.data) for record in records) == 10
    assert_ends_well(daemon, "eth1")


def test_a_device_outlives_its_interface_for_as_long_as_there_is_something_to_read(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--tap")
    with Device(daemon, "eth0", "udp port 9000") as device:
        assert UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", count=100).finish().clean()
        assert wait_until(lambda: device.stats()["buffered"] == 100)
        daemon.bpfctl("detach", "eth0")
        assert device.readable(5)
        assert len(device.read()) == 100
        with pytest.raises(OSError) as gone:
            device.read()
        assert gone.value.errno == 5  # EIO
    assert_ends_well(daemon)
