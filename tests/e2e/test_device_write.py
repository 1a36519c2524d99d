# SPDX-License-Identifier: BSD-2-Clause
"""Frames that a program writes to its device: what reaches the wire, what captures show, and what is refused (contract 2.7)."""
import contextlib
import errno
import struct
import subprocess

import pytest
from scapy.all import IP, UDP, Ether

from harness.device import FEEDBACK, HEADER_COMPLETE, LOCK, SET_WRITE_FILTER, Device, DeviceError
from harness.frames import FramePort
from harness.judges import assert_ends_well, wait_until
from harness.rules import guard

TYPE = 0x88B5  # for experiments, IEEE 802
STRANGE = "02:00:00:00:00:99"
LONGEST = 1514  # bytes: a link header and the MTU
ATTACHED = pytest.mark.parametrize("words", [[], ["--tap"]], ids=["attached", "tapped"])


def frame(length, source=STRANGE, tags=b""):
    whole = bytes(Ether(src=source, dst="02:00:00:00:01:01"))[:12] + tags + struct.pack("!H", TYPE)
    return whole + bytes(number % 251 for number in range(length - len(whole)))


def error_of(device, data):
    try:
        assert device.write(data) == len(data)
    except DeviceError as error:
        return error.errno
    return 0


def start(lab, start_pfild, words=()):
    daemon = start_pfild(lab.fw)
    daemon.bpfctl("attach", "eth0", *words)
    return daemon


def ours(packet):
    return bytes(packet)[12:14] == struct.pack("!H", TYPE)


def answer_to_write(length, feedback, tapped):
    """What contract 2.7 says of a frame of that length, with its link header."""
    if length == 0:
        return 0  # BD-71
    if length < 14:
        return errno.EMSGSIZE  # BD-72
    if feedback and tapped:
        return errno.EOPNOTSUPP  # BD-78
    return 0 if length <= LONGEST else errno.EMSGSIZE


@ATTACHED
@pytest.mark.parametrize("complete", [0, 1])
@pytest.mark.parametrize("feedback", [0, 1])
def test_frames_of_every_length_arrive_as_they_were_written_or_are_refused(host_lab, start_pfild, words, complete, feedback):
    daemon = start(host_lab, start_pfild, words)
    source = STRANGE if complete else host_lab.fw.eth0.mac
    with Device(daemon) as device, FramePort(host_lab.cli) as port:
        device.set_option(HEADER_COMPLETE, complete)
        device.set_option(FEEDBACK, feedback)
        assert [error_of(device, b""), error_of(device, frame(60))] == [errno.EINVAL] * 2, "BD-70"
        device.attach("eth0")
        good = []
        for length in [*range(LONGEST + 101), 65535]:
            expected = answer_to_write(length, feedback, tapped=bool(words))
            assert error_of(device, frame(max(length, 14))[:length]) == expected, length
            if length and not expected:
                good.append(length)
        arrived = port.receive(ours, count=len(good), timeout_s=60, watch_s=0.2)
        assert [one.bytes for one in arrived] == [frame(length, source) for length in good]
        if not (feedback and words):
            tagged = frame(LONGEST + 4, source, tags=bytes([0x81, 0, 0, 5]))
            assert error_of(device, tagged) == 0, "a tag is not counted"
            assert port.receive(lambda packet: bytes(packet)[:18] == tagged[:18])[0].bytes == tagged
    assert_ends_well(daemon)


@ATTACHED
@pytest.mark.parametrize("complete", [0, 1])
def test_the_source_address_is_filled_in_unless_the_header_is_complete_and_captures_see_it_so(host_lab, start_pfild, words, complete):
    daemon = start(host_lab, start_pfild, words)
    with Device(daemon, "eth0", immediate=True) as device, FramePort(host_lab.cli) as port:
        with Device(daemon, "eth0", expression=f"ether proto {TYPE}", immediate=True) as other:
            device.set_option(HEADER_COMPLETE, complete)
            device.set_filter(f"ether proto {TYPE}")
            device.write(frame(60))
            expected = frame(60, source=STRANGE if complete else host_lab.fw.eth0.mac)
            assert port.receive(ours)[0].bytes == expected
            for one in (device, other):
                (seen,) = one.read()
                assert (seen.data, seen.direction) == (expected, "out"), "who writes sees it, too"
    assert_ends_well(daemon)


def test_nothing_goes_out_by_an_interface_that_is_down_and_nobody_sees_it(host_lab, start_pfild):
    daemon = start(host_lab, start_pfild)
    with Device(daemon, "eth0", immediate=True, expression=f"ether proto {TYPE}") as device:
        host_lab.fw.run("ip", "link", "set", "eth0", "down")
        assert error_of(device, frame(60)) == errno.ENETDOWN
        assert device.read_all() == []
        host_lab.fw.run("ip", "link", "set", "eth0", "up")
        assert error_of(device, frame(60)) == 0
        assert len(device.read()) == 1
        host_lab.fw.run("ip", "link", "del", "eth0")
        assert error_of(device, frame(60)) in (errno.EINVAL, errno.ENXIO)
    assert daemon.stop() == 0


def test_rules_hold_for_what_is_written(host_lab, start_pfild):
    daemon = start(host_lab, start_pfild)
    guard(daemon, expression="udp dst port 23", direction="o")
    with Device(daemon, "eth0") as device, FramePort(host_lab.cli) as port:
        for number in (23, 24):  # the first is forbidden
            device.write(bytes(Ether(dst=host_lab.cli.eth0.mac) / IP(src="192.0.2.2", dst="192.0.2.1") / UDP(dport=number) / b"x"))
        arrived = port.receive(lambda packet: UDP in packet, watch_s=0.3)
        assert [one.packet[UDP].dport for one in arrived] == [24]
    assert_ends_well(daemon)


def test_a_write_filter_and_a_lock_hold_for_good(host_lab, start_pfild):
    daemon = start(host_lab, start_pfild)
    with Device(daemon, "eth0") as device, FramePort(host_lab.cli) as port:
        device.set_filter(f"ether proto {TYPE}", op=SET_WRITE_FILTER)
        device.ask(LOCK)
        assert error_of(device, bytes(Ether(dst=host_lab.cli.eth0.mac, type=0x88B6)) + bytes(50)) == errno.EPERM
        assert error_of(device, frame(60)) == 0
        with pytest.raises(DeviceError) as refusal:
            device.set_filter("ip", op=SET_WRITE_FILTER)
        assert refusal.value.errno == errno.EPERM
        assert len(port.receive(lambda packet: packet.type in (TYPE, 0x88B6), watch_s=0.2)) == 1
    assert_ends_well(daemon)


def datagram(lab, to, port=7777, source="198.51.100.77", mac=None):
    """To this host itself, from somebody whom nobody knows."""
    whole = Ether(src=STRANGE, dst=mac or lab.fw.eth0.mac) / IP(src=source, dst=to) / UDP(sport=1, dport=port) / b"fed back"
    return bytes(whole)


@contextlib.contextmanager
def listening(host, port=7777):
    """What has come for that port, as a function."""
    command = host.inside(["/usr/bin/python3", "-c", LISTENER, str(port)])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout.readline() == "ready\n"

        def heard():
            listener.stdin.write("?\n")
            listener.stdin.flush()
            return int(listener.stdout.readline())

        yield heard
        listener.stdin.close()


LISTENER = """
import socket, sys
host = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
host.bind(("0.0.0.0", int(sys.argv[1])))
host.setblocking(False)
count = 0
print("ready", flush=True)
for _ in sys.stdin:
    try:
        while True:
            host.recv(2048)
            count += 1
    except BlockingIOError:
        print(count, flush=True)
"""


def forget_strangers(host):
    """Whoever answers no ARP may send to this host all the same."""
    for name in ("all", "eth0"):
        host.run("sysctl", "-q", "-w", f"net.ipv4.conf.{name}.rp_filter=0")


@pytest.mark.parametrize("hooked", [False, True], ids=["no hook", "a hook"])
def test_feedback_comes_in_once_and_captures_see_it_go_out_alone(host_lab, start_pfild, hooked):
    daemon = start(host_lab, start_pfild)
    if hooked:
        guard(daemon, expression="tcp dst port 23", direction="i")
    forget_strangers(host_lab.fw)
    ours_alone = host_lab.fw.eth0.ipv4
    with Device(daemon, "eth0", expression="udp port 7777", immediate=True) as device, listening(host_lab.fw) as heard:
        device.set_option(HEADER_COMPLETE, 1)
        assert error_of(device, datagram(host_lab, ours_alone)) == 0
        assert [one.direction for one in device.read()] == ["out"]
        assert heard() == 0, "without feedback nothing comes in"
        device.set_option(FEEDBACK, 1)
        for _ in range(20):
            assert error_of(device, datagram(host_lab, ours_alone)) == 0
        assert wait_until(lambda: heard() == 20, 30)
        assert error_of(device, datagram(host_lab, ours_alone, mac="02:00:00:00:00:77")) == 0, "for another host"
        assert error_of(device, datagram(host_lab, "127.0.0.1")) == 0, "BD-79"
        assert error_of(device, datagram(host_lab, ours_alone)) == 0
        assert wait_until(lambda: heard() == 21, 30)
        seen = device.read_all()
        assert [one.direction for one in seen] == ["out"] * 23, "none of them comes in for captures (BD-78)"
        assert heard() == 21
    assert_ends_well(daemon)


def test_feedback_needs_an_output_that_worked_and_an_interface_that_is_attached(host_lab, start_pfild):
    daemon = start(host_lab, start_pfild, ["--tap"])
    forget_strangers(host_lab.fw)
    with listening(host_lab.fw) as heard:
        with Device(daemon, "eth0") as device, FramePort(host_lab.cli) as port:
            device.set_option(FEEDBACK, 1)
            assert error_of(device, frame(60)) == errno.EOPNOTSUPP
            assert port.receive(ours, count=0, watch_s=0.2) == [], "nor does it go out"
        daemon.bpfctl("detach", "eth0")
        daemon.bpfctl("attach", "eth0")
        with Device(daemon, "eth0") as device:
            device.set_option(FEEDBACK, 1)
            host_lab.fw.run("ip", "link", "set", "eth0", "down")
            assert error_of(device, datagram(host_lab, host_lab.fw.eth0.ipv4)) == errno.ENETDOWN
            host_lab.fw.run("ip", "link", "set", "eth0", "up")
            assert error_of(device, datagram(host_lab, host_lab.fw.eth0.ipv4)) == 0
            assert wait_until(lambda: heard() == 1, 30), "the second one"
    assert_ends_well(daemon)


def test_feedback_finds_the_way_in_after_the_port_pair_was_made_anew(host_lab, start_pfild):
    daemon = start(host_lab, start_pfild)
    forget_strangers(host_lab.fw)
    pair = daemon.bpfctl.interface("eth0")["port_pair"]["p"]
    host_lab.fw.run("ip", "link", "del", pair)
    with Device(daemon, "eth0") as device, listening(host_lab.fw) as heard:
        device.set_option(FEEDBACK, 1)

        def comes_in():
            assert error_of(device, datagram(host_lab, host_lab.fw.eth0.ipv4)) in (0, errno.EOPNOTSUPP)
            return heard() > 0

        assert wait_until(comes_in, 60)
    assert daemon.stop() == 0
