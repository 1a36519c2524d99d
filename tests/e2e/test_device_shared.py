# SPDX-License-Identifier: BSD-2-Clause
"""A device that two processes have (BD-05), and one that waits a moment for more packets (BD-33)."""
import errno
import struct
import subprocess
import sys
import time

import pytest

from harness.device import END_WAIT_TIMEOUT, GET_WAIT_TIMEOUT, READ, REPLY, REQUEST, SET_WAIT_TIMEOUT, Device, DeviceError
from harness.judges import assert_ends_well
from harness.ping import ping

# Reads over the connection that it was given; tells when it has asked, and when it is told to, what it has got.
READER = f"""
import select, socket, struct, sys
connection = socket.socket(fileno=int(sys.argv[1]))
connection.send(struct.pack("{REQUEST.format}", 7777, int(sys.argv[2]), 8, {READ}, 0) + struct.pack("=II", int(sys.argv[3]), 0))
print("asked", flush=True)
sys.stdin.readline()
select.select([connection], [], [], 20) # the parent's time-outs made it non-blocking, for both
reply = connection.recv({REPLY.size} + 32768)
print(struct.unpack_from("{REPLY.format}", reply)[5], len(reply) - {REPLY.size}, flush=True)
"""


def started(lab, start_pfild):
    daemon = start_pfild(lab.fw)
    daemon.bpfctl("attach", "eth0", "--tap")
    return daemon


def test_a_second_read_is_EIO_while_another_process_waits_which_then_gets_its_packets(host_lab, start_pfild):
    daemon = started(host_lab, start_pfild)
    with Device(daemon, "eth0", expression="icmp", immediate=True) as device:
        words = [str(device.socket.fileno()), str(device.number), str(device.buffer_size)]
        command = [sys.executable, "-c", READER, *words]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, pass_fds=[device.socket.fileno()], **pipes) as other:
            assert other.stdout.readline() == "asked\n"
            with pytest.raises(DeviceError) as refusal:
                device.read()
            assert refusal.value.errno == errno.EIO
            (peer,) = daemon.bpfctl.json("peers")["devices"]
            assert peer["pid"] != other.pid, "the last one that has asked"
            ping(host_lab.cli, host_lab.fw.eth0.ipv4, count=1)
            other.stdin.write("go\n")
            other.stdin.flush()
            error, length = map(int, other.stdout.readline().split())
            assert error == 0 and length > 0
            assert other.wait(20) == 0
        ping(host_lab.cli, host_lab.fw.eth0.ipv4, count=1)
        assert device.readable(20)
        assert device.read(), "the device lives on without that process"
        assert device.stats()["dropped"] == 0
    assert_ends_well(daemon)


def test_a_wait_time_out_collects_packets_before_it_wakes_a_program(host_lab, start_pfild):
    daemon = started(host_lab, start_pfild)
    with Device(daemon, "eth0", expression="icmp") as device:
        device.ask(SET_WAIT_TIMEOUT, struct.pack("=qq", 2, 0))
        assert struct.unpack("=qq", device.ask(GET_WAIT_TIMEOUT)) == (2, 0)
        began = time.monotonic()
        ping(host_lab.cli, host_lab.fw.eth0.ipv4, count=5)
        assert device.readable(30)
        assert time.monotonic() - began >= 2
        assert len(device.read()) >= 2, "not the first one alone"
        device.read_all()
        device.ask(END_WAIT_TIMEOUT)
        ping(host_lab.cli, host_lab.fw.eth0.ipv4, count=1)
        assert not device.readable(1.5), "a packet alone wakes nobody (BD-36)"
        with pytest.raises(DeviceError) as refusal:
            device.ask(GET_WAIT_TIMEOUT)
        assert refusal.value.errno == errno.ENXIO
    assert_ends_well(daemon)
