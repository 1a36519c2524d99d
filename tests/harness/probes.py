# SPDX-License-Identifier: BSD-2-Clause
"""Three streams of numbered UDP datagrams, sent in turn, and when each that arrived was sent and received.

    known      port 7000, always from the same port: one flow
    new        port 7001, each from another port: the first packet of its flow
    forbidden  port 7002, the same

Inside a host: `probes.py send ADDRESS RATE` until SIGTERM; `probes.py receive` prints "PORT NUMBER SENT RECEIVED" for each, in
nanoseconds of CLOCK_REALTIME; received is when the kernel had it.
"""
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass

KNOWN, NEW, FORBIDDEN = 7000, 7001, 7002
_SO_TIMESTAMPNS = 35
_PORTS = range(10000, 60000)  # of senders, in turn: a flow of UDP is forgotten before its port comes again


@dataclass(frozen=True)
class Arrival:
    number: int
    sent_ns: int
    received_ns: int

    @property
    def latency_ms(self):
        return (self.received_ns - self.sent_ns) / 1e6


class Probes:
    """with Probes(lab.cli, lab.fw, address) as probes: ..; `sent` of each stream when they have ended."""

    def __init__(self, sender, receiver, address, rate_pps=100):
        self.sent = None
        self._receiver = receiver.popen("/usr/bin/python3", "-u", __file__, "receive")
        self._receiver.wait_for_output("listening")
        self._sender = sender.popen("/usr/bin/python3", "-u", __file__, "send", address, rate_pps)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._sender.close()
        self._receiver.close()

    def end(self):
        self._sender.stop()
        self.sent = int(self._sender.stdout.split()[-1])

    def arrived(self, stream):
        """All so far, in order."""
        lines = self._receiver.stdout.splitlines(keepends=True)[1:]
        of_stream = [tuple(map(int, line.split())) for line in lines if line.startswith(f"{stream} ") and line.endswith("\n")]
        return [Arrival(*numbers) for _, *numbers in of_stream]


def _send(address, rate):
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    known = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    start, number = time.monotonic(), 0
    while not ended:
        known.sendto(struct.pack("QQ", number, time.time_ns()), (address, KNOWN))
        for port in (NEW, FORBIDDEN):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fresh:
                fresh.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                fresh.bind(("", _PORTS[number % len(_PORTS)]))
                fresh.sendto(struct.pack("QQ", number, time.time_ns()), (address, port))
        number += 1
        time.sleep(max(start + number / rate - time.monotonic(), 0))
    print(number)


def _receive():
    listening = {}
    for port in (KNOWN, NEW, FORBIDDEN):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        udp.bind(("", port))
        listening[udp] = port
    print("listening")
    while True:
        for udp in select.select(list(listening), [], [])[0]:
            data, said, _, _ = udp.recvmsg(64, 128)
            seconds, nanoseconds = struct.unpack("qq", said[0][2])
            sys.stdout.write("{} {} {} {}\n".format(listening[udp], *struct.unpack("QQ", data), seconds * 10**9 + nanoseconds))


if __name__ == "__main__":
    _send(sys.argv[2], float(sys.argv[3])) if sys.argv[1] == "send" else _receive()
