# SPDX-License-Identifier: BSD-2-Clause
"""A program of somebody else's in front of pfild's head, which rewrites fields of the socket buffer.

Inside a host: `erasing.py IFACE ingress|egress FIELD..` puts it before all others there (TCX), prints "attached" and ends.
"""
import ctypes
import os
import socket
import struct
import sys

FIELDS = {"mark": [8], "tc_index": [44], "cb": [48, 52, 56, 60]}  # offsets in struct __sk_buff
BPF_PROG_LOAD, BPF_PROG_ATTACH = 5, 8
SCHED_CLS = 3
ATTACH_TYPES = {"ingress": 46, "egress": 47}
BEFORE_ALL = 1 << 3
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]


def erase_in_front(host, side, *fields, interface="eth0", ports=()):
    """ports: only in IPv4 datagrams to these, none: in all."""
    host.run("/usr/bin/python3", __file__, interface, side, ",".join(fields), ",".join(map(str, ports)))


def step(code, to=0, source=0, offset=0, number=0):
    return struct.pack("=BBhi", code, source << 4 | to, offset, number)


def program(fields, ports):
    """if (!ports || destination port is one of them) fields = 0; return TC_ACT_UNSPEC"""
    erase = b"".join(step(0x62, to=6, offset=offset) for field in fields for offset in FIELDS[field])
    steps = len(erase) // 8
    choice = b""
    if ports:
        choice = step(0x28, number=36)  # r0 = destination port
        for left, port in reversed(list(enumerate(ports))):
            choice += step(0x15, offset=left + 1, number=port)
        choice += step(0x05, offset=steps)
    return step(0xBF, to=6, source=1) + choice + erase + step(0xB7, number=-1) + step(0x95)


def bpf(command, attributes):
    libc = ctypes.CDLL(None, use_errno=True)
    memory = ctypes.create_string_buffer(attributes, 144)
    result = libc.syscall(SYS_BPF, command, memory, 144)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return result


def main():
    interface, side, fields, ports = sys.argv[1:]
    steps = program(fields.split(","), [int(port) for port in ports.split(",") if port])
    code, license_text = ctypes.create_string_buffer(steps), ctypes.create_string_buffer(b"Dual BSD/GPL")
    load = struct.pack("=IIQQ", SCHED_CLS, len(steps) // 8, ctypes.addressof(code), ctypes.addressof(license_text))
    descriptor = bpf(BPF_PROG_LOAD, load)
    bpf(BPF_PROG_ATTACH, struct.pack("=IIII", socket.if_nametoindex(interface), descriptor, ATTACH_TYPES[side], BEFORE_ALL))


if __name__ == "__main__":
    main()
