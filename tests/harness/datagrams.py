# SPDX-License-Identifier: BSD-2-Clause
"""UDP datagrams by ordinary sockets, and what the receiving one is told about each (IP_PKTINFO, IPV6_PKTINFO).

Inside a host: `datagrams.py listen PORT [GROUP..]` prints a JSON object for each; `datagrams.py send HOW ADDRESS PORT SIZE COUNT`.
HOW: offloaded (the stack leaves the checksum to the device), none (no checksum), gso (one call, datagrams of 500 bytes).
"""
import ipaddress
import json
import socket
import struct
import sys
import threading
from dataclasses import dataclass

IP_PKTINFO = 8  # Linux's numbers, where Python has no name
IP_RECVTTL = 12
UDP_SEGMENT = 103
SO_NO_CHECK = 11
IFACE = "eth0"


@dataclass(frozen=True)
class Datagram:
    data: bytes
    interface: str  # by which it came
    to: str  # its destination
    hops: int  # what is left of TTL or hop limit
    source: str


class Listener:
    """Listens on all addresses of a host, both families, until it is closed."""

    def __init__(self, host, port=9, groups=()):
        self._process = host.popen("/usr/bin/python3", "-u", __file__, "listen", port, *groups)
        self._process.wait_for_output("listening")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._process.close()

    def heard(self):
        """All so far, in order."""
        lines = self._process.stdout.splitlines(keepends=True)[1:]
        return [_datagram(json.loads(line)) for line in lines if line.endswith("\n")]


def send(host, address, size_bytes=100, count=1, how="offloaded", port=9):
    host.run("/usr/bin/python3", __file__, "send", how, address, port, size_bytes, count)


def content(size_bytes):
    return (bytes(range(250)) * (size_bytes // 250 + 1))[:size_bytes]


def _datagram(seen):
    return Datagram(**{**seen, "data": bytes.fromhex(seen["data"])})


def _open(family, port, groups):
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    index = socket.if_nametoindex(IFACE)
    if family == socket.AF_INET:
        udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        udp.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        for group in groups:
            request = socket.inet_aton(group) + socket.inet_aton("0.0.0.0") + struct.pack("i", index)
            udp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    else:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        for group in groups:
            request = socket.inet_pton(family, group) + struct.pack("i", index)
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
    udp.bind(("", port))
    return udp


def _told(ancillary):
    """Interface index, destination, hops."""
    said = {(level, kind): data for level, kind, data in ancillary}
    if (socket.IPPROTO_IP, IP_PKTINFO) in said:
        index, _, to = struct.unpack("i4s4s", said[socket.IPPROTO_IP, IP_PKTINFO])
        return index, to, struct.unpack("i", said[socket.IPPROTO_IP, socket.IP_TTL])[0]
    to, index = struct.unpack("16si", said[socket.IPPROTO_IPV6, socket.IPV6_PKTINFO])
    return index, to, struct.unpack("i", said[socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT])[0]


def _listen(udp):
    while True:
        data, ancillary, _, source = udp.recvmsg(1 << 16, 256)
        index, to, hops = _told(ancillary)
        to = str(ipaddress.ip_address(to))
        seen = {"data": data.hex(), "interface": socket.if_indextoname(index), "to": to, "hops": hops, "source": source[0]}
        sys.stdout.write(json.dumps(seen) + "\n")  # one write, so that lines of two threads do not mix


def _send(how, address, port, size_bytes, count):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, IFACE.encode())
    if how == "none":
        udp.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    if how == "gso":
        udp.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 500)
    for _ in range(count):
        udp.sendto(content(size_bytes), (address, port))


def main():
    if sys.argv[1] == "send":
        how, address, *numbers = sys.argv[2:]
        _send(how, address, *map(int, numbers))
        return
    for family, colon in ((socket.AF_INET, False), (socket.AF_INET6, True)):
        udp = _open(family, int(sys.argv[2]), [group for group in sys.argv[3:] if (":" in group) == colon])
        threading.Thread(target=_listen, args=(udp,)).start()
    print("listening")


if __name__ == "__main__":
    main()
