# SPDX-License-Identifier: BSD-2-Clause
"""Frames that a program writes to its device: what reaches the wire, what captures show, and what is refused (contract 2.7)."""
import errno
import struct

import pytest
from scapy.all import IP, UDP, Ether

from harness.device import FEEDBACK, HEADER_COMPLETE, LOCK, SET_WRITE_FILTER, Device, DeviceError
from harness.frames import FramePort
from harness.judges import assert_ends_well
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


@ATTACHED
def test_frames_of_every_length_arrive_as_they_were_written_or_are_refused(host_lab, start_pfild, words):
    daemon = start(host_lab, start_pfild, words)
    with Device(daemon, "eth0") as device, FramePort(host_lab.cli) as port:
        device.set_option(HEADER_COMPLETE, 1)
        assert error_of(device, b"") == 0
        lengths = [*range(14, 80), *range(1400, LONGEST + 1)]
        for length in lengths:
            assert error_of(device, frame(length)) == 0, length
        for length in [*range(1, 14), *range(LONGEST + 1, LONGEST + 101), 65535]:
            assert error_of(device, frame(length)[:length]) == errno.EMSGSIZE, length
        arrived = port.receive(ours, count=len(lengths), timeout_s=20, watch_s=0.2)
        assert [one.bytes for one in arrived] == [frame(length) for length in lengths]
        tagged = frame(LONGEST + 4, tags=bytes([0x81, 0, 0, 5]))
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


def test_a_write_filter_and_a_lock_hold_for_good_and_feedback_is_refused(host_lab, start_pfild):
    daemon = start(host_lab, start_pfild)
    with Device(daemon, "eth0") as device, FramePort(host_lab.cli) as port:
        device.set_option(FEEDBACK, 1)
        assert error_of(device, frame(60)) == errno.EOPNOTSUPP
        device.set_option(FEEDBACK, 0)
        device.set_filter(f"ether proto {TYPE}", op=SET_WRITE_FILTER)
        device.ask(LOCK)
        assert error_of(device, bytes(Ether(dst=host_lab.cli.eth0.mac, type=0x88B6)) + bytes(50)) == errno.EPERM
        assert error_of(device, frame(60)) == 0
        with pytest.raises(DeviceError) as refusal:
            device.set_filter("ip", op=SET_WRITE_FILTER)
        assert refusal.value.errno == errno.EPERM
        assert len(port.receive(lambda packet: packet.type in (TYPE, 0x88B6), watch_s=0.2)) == 1
    assert_ends_well(daemon)
