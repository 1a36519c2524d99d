# SPDX-License-Identifier: BSD-2-Clause
"""Interfaces that are made while pfild runs: how long after they are up frames still pass, either way.

Inside a host: `arrivals.py COUNT PREFIX WAIT_MS PEER GUARDED` makes PREFIX0 .., whose other ends are in the network namespace PEER; sets each
up WAIT_MS after it was made, and sends frames of a protocol of its own through it, in and out, each with the time. The rules
must drop those. It prints [in, out] for each interface, in ms: from IFF_UP to the last frame that has passed, 0 if none has. Then
the interface is deleted, and the next one made at once. GUARDED 0: pfild does not take it, and frames pass for 0.1 s.
"""
import ctypes
import fcntl
import json
import os
import platform
import socket
import struct
import subprocess
import sys
import time

PROTOCOL = 0x88B5  # for experiments
_CLONE_NEWNET = 0x40000000
_SOL_PACKET, _PACKET_QDISC_BYPASS = 263, 20
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_PERIOD_S = 0.0002
_SILENCE_S = 0.05  # after which heads are looked for
_FREE_S = 0.1
_PATIENCE_S = 10
_BPF = {"x86_64": 321, "aarch64": 280}
_PROG_QUERY = 16
_TCX = (46, 47)


def arrivals(host, peer, count, prefix="veth", wait_ms=0, guarded=True):
    """[(in, out), ..], in ms."""
    words = (count, prefix, wait_ms, peer.netns_path, int(guarded))
    done = host.run("/usr/bin/python3", __file__, *words, timeout_s=60 + count * 20)
    return [tuple(one) for one in json.loads(done.stdout)]


class _Query:
    """How many programs there are at an interface."""

    def __init__(self):
        self._call = ctypes.CDLL(None, use_errno=True).syscall
        self._number = _BPF[platform.machine()]
        self._ids = (ctypes.c_uint32 * 64)()
        self._has_tcx = tuple(map(int, platform.release().split(".")[:2])) >= (6, 6)

    def count(self, ifindex, attach_type):
        fields = struct.pack("=IIIIQI", ifindex, attach_type, 0, 0, ctypes.addressof(self._ids), 64) + bytes(36)
        attributes = ctypes.create_string_buffer(fields, len(fields))
        if self._call(self._number, _PROG_QUERY, attributes, len(fields)) != 0:
            raise OSError(ctypes.get_errno(), "BPF_PROG_QUERY")
        return struct.unpack_from("=I", attributes.raw, 24)[0]

    def both(self, name):
        if self._has_tcx:
            return all(self.count(socket.if_nametoindex(name), one) > 0 for one in _TCX)
        shown = (subprocess.run(["tc", "filter", "show", "dev", name, side], capture_output=True, text=True, check=False)
                 for side in ("ingress", "egress"))  # fmt: skip
        return all("bpf" in one.stdout for one in shown)


class _End:
    """Frames at one end of a pair, behind what is attached there: given to it, and come from the other."""

    def __init__(self, netns=None):
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        setns = ctypes.CDLL(None, use_errno=True).setns
        if netns and setns(os.open(netns, os.O_RDONLY), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {netns}")
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(PROTOCOL))
        setns(home, _CLONE_NEWNET)
        if netns:  # nothing is attached there, and its queue begins some time after its carrier
            self._frames.setsockopt(_SOL_PACKET, _PACKET_QDISC_BYPASS, 1)
        self._frames.setblocking(False)

    def set_up(self, name):
        self._frames.bind((name, PROTOCOL))
        request = bytearray(struct.pack("16sH22x", name.encode(), 0))
        fcntl.ioctl(self._control, _SIOCGIFFLAGS, request)
        flags = struct.unpack_from("H", request, 16)[0]
        fcntl.ioctl(self._control, _SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags | _IFF_UP))

    def send(self):
        now = time.monotonic_ns()
        try:
            self._frames.send(b"\xff" * 6 + b"\x02" + bytes(5) + struct.pack("!HQ", PROTOCOL, now) + bytes(40))
        except OSError:
            pass  # refused, as a dropped one is

    def last_sent(self):
        """When that one was sent that has come last; 0: none has."""
        last = 0
        while True:
            try:
                last = struct.unpack_from("!Q", self._frames.recv(200), 14)[0]
            except BlockingIOError:
                return last
            except OSError:
                continue  # that it was down when it was bound


def _until(here, there, up_ns, is_over):
    """The last times that a frame was sent that has passed: in, out."""
    last = [up_ns, up_ns]
    deadline = time.monotonic() + _PATIENCE_S
    while not is_over(last):
        if time.monotonic() > deadline:
            raise TimeoutError(f"frames have passed for {[(one - up_ns) / 1e6 for one in last]} ms, and it has not ended")
        there.send()
        here.send()
        time.sleep(_PERIOD_S)
        last = [max(last[0], here.last_sent()), max(last[1], there.last_sent())]
    return last


def _one(name, wait_s, peer, ends, both):
    here, there = ends
    subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", "eth9", "netns", peer], check=True)
    made = time.monotonic()
    there.set_up("eth9")
    while time.monotonic() < made + wait_s:
        time.sleep(0.001)  # what is measured begins so long after the interface was made
    here.set_up(name)
    up_ns = time.monotonic_ns()
    if both:
        last = _until(here, there, up_ns, lambda last: time.monotonic_ns() - max(last) > _SILENCE_S * 1e9 and both(name))
    else:
        last = _until(here, there, up_ns, lambda last: min(last) - up_ns > _FREE_S * 1e9)
    subprocess.run(["ip", "link", "del", name], check=True)
    return [(one - up_ns) / 1e6 for one in last]


def main(count, prefix, wait_ms, peer, guarded):
    both = _Query().both if guarded else None
    ends = _End(), _End(peer)
    print(json.dumps([_one(f"{prefix}{number}", wait_ms / 1000, os.path.basename(peer), ends, both) for number in range(count)]))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
