# SPDX-License-Identifier: BSD-2-Clause
"""Programs at an interface, by bpf(2) alone: Debian's bpftool knows no TCX.

As a program it works in the namespace that it is started in: `list IFACE` prints the programs by TCX as JSON, `front IFACE SIDE NAME
ACTION` loads one that says ACTION (TC_ACT_*) of every packet and puts it in front of all others, `crowd IFACE SIDE COUNT` does so with COUNT of them, 50 a second,
`fill IFACE SIDE` puts so many there that no other has room, `remove IFACE SIDE ID`; `race IFACE FILE`
waits until FILE names the interface or a program is there, and prints "file" or "program".
"""
import contextlib
import ctypes
import json
import os
import pathlib
import socket
import struct
import sys
import time

_SYS_BPF = 321 if os.uname().machine == "x86_64" else 280
_PROG_LOAD, _PROG_ATTACH, _PROG_DETACH, _PROG_BY_ID, _INFO, _QUERY = 5, 8, 9, 13, 15, 16
_SCHED_CLS = 3
_BEFORE = 1 << 3
SIDES = {"ingress": 46, "egress": 47}
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
    """The result, and the attributes as the kernel left them."""
    memory = ctypes.create_string_buffer(attributes.ljust(144, b"\0"), 144)
    result = _libc.syscall(_SYS_BPF, command, memory, len(memory))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result, memory.raw


def _name(program):
    descriptor, _ = _bpf(_PROG_BY_ID, struct.pack("=I", program))
    info = ctypes.create_string_buffer(256)
    _bpf(_INFO, struct.pack("=IIQ", descriptor, len(info), ctypes.addressof(info)))
    os.close(descriptor)
    return info.raw[64:80].split(b"\0")[0].decode()


def tcx(interface):
    """[{"side", "id", "name"}..] in the order in which packets meet them; nothing where the kernel has no TCX."""
    found = []
    for side, kind in SIDES.items():
        ids = (ctypes.c_uint32 * 64)()
        question = struct.pack("=IIIIQI", socket.if_nametoindex(interface), kind, 0, 0, ctypes.addressof(ids), 64)
        try:
            _, answer = _bpf(_QUERY, question)
        except OSError:
            continue
        for program in ids[: struct.unpack_from("=I", answer, 24)[0]]:
            found.append({"side": side, "id": program, "name": _name(program)})
    return found


def load(name, action):
    code = struct.pack("=BBhiBBhi", 0xB7, 0, 0, action, 0x95, 0, 0, 0)
    memory, licence = ctypes.create_string_buffer(code), ctypes.create_string_buffer(b"GPL")
    head = struct.pack("=IIQQ", _SCHED_CLS, 2, ctypes.addressof(memory), ctypes.addressof(licence))
    return _bpf(_PROG_LOAD, head + b"\0" * 24 + name.encode().ljust(16, b"\0"))[0]


def race(interface, file):
    print("waiting", flush=True)
    while True:
        programs = tcx(interface)  # looked at first: what is in the file now may have been written later
        if programs:
            return "program"
        if f'"{interface}"' in file.read_text():
            return "file"


def main(verb, interface, *words):
    index = socket.if_nametoindex(interface)
    if verb == "list":
        print(json.dumps(tcx(interface)))
    elif verb == "front":
        side, name, action = words
        _bpf(_PROG_ATTACH, struct.pack("=IIII", index, load(name, int(action)), SIDES[side], _BEFORE))
    elif verb == "crowd":
        for _ in range(int(words[1])):
            _bpf(_PROG_ATTACH, struct.pack("=IIII", index, load("one_of_many", -1), SIDES[words[0]], _BEFORE))
            time.sleep(0.02)
    elif verb == "fill":
        with contextlib.suppress(OSError):
            while True:
                _bpf(_PROG_ATTACH, struct.pack("=IIII", index, load("filler", -1), SIDES[words[0]], _BEFORE))
    elif verb == "race":
        print(race(interface, pathlib.Path(words[0])), flush=True)
    else:
        side, program = words
        descriptor, _ = _bpf(_PROG_BY_ID, struct.pack("=I", int(program)))
        _bpf(_PROG_DETACH, struct.pack("=III", index, descriptor, SIDES[side]))


if __name__ == "__main__":
    main(*sys.argv[1:])
