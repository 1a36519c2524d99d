# SPDX-License-Identifier: BSD-2-Clause
"""TCP packets of IPv4 that carry a number each, and who got which of them: a program of two roles, and what a test knows of both.

    numbered_tcp.py send IFACE FROM_MAC TO_MAC FROM TO COUNT [UNCUT]     frames as they are, no handshake. "ready"; after a line on
                                                                         stdin with a number: so many packets more, and "sent"
    numbered_tcp.py receive COUNT                                        "ready"; after a line on stdin: the numbers, as bits in hex

Ports, flags and header options are drawn from the number, so whoever knows the number knows the packet. UNCUT: so many packets a
buffer, which the kernel may cut or hand on whole (GSO), with a checksum that nobody has finished; their flags are those of
the buffer, but FIN and PSH only of its last.
"""
import contextlib
import itertools
import random
import socket
import struct
import sys

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
BURST = 500  # what every queue on the way has room for
SEGMENT = 1000  # payload bytes of a packet in an uncut buffer
QUIET_S = 0.1  # nothing more comes: the pace has seen all through
SOL_PACKET, PACKET_VNET_HDR, SO_RCVBUFFORCE = 263, 15, 33


def shape(number):
    """(flags, destination port, header words) of a packet."""
    draw = random.Random(number)
    return draw.choice((SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, RST, SYN | PSH)), draw.choice((22, 23, 80)), draw.choice((5, 5, 6, 8))


def uncut_shape(number, uncut):
    """The same of a packet in a buffer of `uncut` packets; flags as they are when it is cut."""
    draw = random.Random(number // uncut)
    flags = ACK | draw.choice((0, FIN, PSH, FIN | PSH))
    last = number % uncut == uncut - 1
    return flags if last else ACK, draw.choice((22, 23, 80)), 5


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def packet(source, target, sequence, flags, port, words, payload=b""):
    """A packet with the pseudo-header's sum where the checksum of TCP will be."""
    length = 4 * words + 20 + len(payload)
    header = struct.pack("!BBHHHBBH4s4s", 64 + words, 0, length, sequence & 0xFFFF, 0, 64, 6, 0, source, target)
    header += bytes([1]) * (4 * words - 20)  # options that do nothing
    header = header[:10] + struct.pack("!H", 0xFFFF - checksum(header)) + header[12:]
    pseudo = checksum(source + target + struct.pack("!HH", 6, 20 + len(payload)))
    return header + struct.pack("!HHIIBBHHH", 1024, port, sequence, 0, 5 << 4, flags, 8192, pseudo, 0) + payload


def buffers(link, source, target, count, uncut):
    """What the raw socket is given, one for each packet or for each `uncut` packets."""
    for start in range(0, count, uncut or 1):
        if uncut:
            flags, dport, words = uncut_shape(start + uncut - 1, uncut)
            body = packet(source, target, start * SEGMENT, flags, dport, words, bytes(SEGMENT * uncut))
            about = struct.pack("=BBHHHH", 1, 1, 14 + 4 * words + 20, SEGMENT, 14 + 4 * words, 16)
        else:
            flags, dport, words = shape(start)
            body = packet(source, target, start, flags, dport, words)
            about = struct.pack("=BBHHHH", 1, 0, 0, 0, 14 + 4 * words, 16)
        yield about + link + body


def send(interface, from_mac, to_mac, source, target, count, uncut):
    link = bytes.fromhex(to_mac.replace(":", "") + from_mac.replace(":", "")) + b"\x08\x00"
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    port.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    port.bind((interface, 0))
    every = list(buffers(link, socket.inet_aton(source), socket.inet_aton(target), count, uncut))
    following = itertools.cycle(every)
    print("ready", flush=True)
    for line in sys.stdin:
        for buffer in itertools.islice(following, int(line) // (uncut or 1)):
            with contextlib.suppress(OSError):  # ENOBUFS: a head at egress has dropped it
                port.send(buffer)
        print("sent", flush=True)


def receive(count):
    port = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    port.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 256 << 20)
    port.settimeout(QUIET_S)
    print("ready", flush=True)
    sys.stdin.readline()
    bits = bytearray(count)
    try:
        while True:
            got = port.recv(1 << 17)
            transport = 4 * (got[0] & 15)
            sequence, payload = struct.unpack_from("!I", got, transport + 4)[0], len(got) - transport - 4 * (got[transport + 12] >> 4)
            first, packets = (sequence // SEGMENT, payload // SEGMENT) if payload else (sequence, 1)
            for number in range(first, min(first + packets, count)):
                bits[number] += 1
    except TimeoutError:
        print(bits.hex(), flush=True)


class Numbered:
    """The packets of a sender, which can be sent again and again: `with Numbered(lab.cli, lab.fw, 1000) as numbered: ..`."""

    def __init__(self, sender, receiver, count, uncut=0):
        self._receiver, self._count = receiver, count
        ends = (sender.eth0.mac, receiver.eth0.mac, sender.eth0.ipv4, receiver.eth0.ipv4)
        self._sending = sender.popen("/usr/bin/python3", __file__, "send", "eth0", *ends, count, uncut, interactive=True)
        _expect(self._sending, "ready")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._sending.close()

    def transfer(self, pace):
        """Sends each packet; how often each has come."""
        receiving = self._receiver.popen("/usr/bin/python3", __file__, "receive", self._count, interactive=True)
        try:
            _expect(receiving, "ready")
            for start in range(0, self._count, BURST):
                burst = min(BURST, self._count - start)
                self._sending.tell(str(burst))
                _expect(self._sending, "sent")
                pace.wait(burst)
            receiving.tell("")
            return bytes.fromhex(receiving.popen.stdout.readline().decode())
        finally:
            receiving.close()


def _expect(process, word):
    said = process.popen.stdout.readline().decode().strip()
    if said != word:
        raise AssertionError(f"{process.command} said {said!r}: {process.stderr}")


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(*sys.argv[2:7], int(sys.argv[7]), int(sys.argv[8]) if len(sys.argv) > 8 else 0)
    else:
        receive(int(sys.argv[2]))
