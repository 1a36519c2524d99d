# SPDX-License-Identifier: BSD-2-Clause
"""Packets with every field that the root of a container can set beside the bytes, as nobody should be able to forge a re-entry.

Inside a host: `forged.py IFACE FRAME STEP COUNT RATE` sends one frame (hex, UDP) so many times, its source port and with it
skb->tc_index counting up by STEP. mark, priority, the time of sending and the vnet header are other ones with each.
"""
import random
import socket
import struct
import sys
import time

from scapy.all import IP, UDP, Ether, IPv6, Raw

SOL_PACKET = 263
PACKET_VNET_HDR = 15
SO_TXTIME = 61  # Linux's numbers, where Python has no name
SO_MARK = 36
SCM_TXTIME = SO_TXTIME
VALUES = 65_536
BURST = 16

# A classifier in classic BPF, which needs no right beyond one's own namespace: its answer is the class, and the class's lower
# half becomes skb->tc_index. It is the source port.
CLASSES = {"ip": "3,40 0 0 34,68 0 0 65536,22 0 0 0", "ipv6": "3,40 0 0 54,68 0 0 65536,22 0 0 0"}


def classify_by_source_port(host, interface="eth0"):
    host.run("tc", "qdisc", "add", "dev", interface, "clsact")
    for preference, (protocol, program) in enumerate(CLASSES.items(), 1):
        filters = ("tc", "filter", "add", "dev", interface, "egress", "protocol", protocol, "pref", preference)
        host.run(*filters, "bpf", "bytecode", program)


def classify_all(host, minor, interface="eth0"):
    """Every packet that leaves has tc_index `minor` (hex)."""
    host.run("tc", "qdisc", "add", "dev", interface, "clsact")
    filters = ("tc", "filter", "add", "dev", interface, "egress", "protocol", "all", "pref", 1)
    host.run(*filters, "u32", "match", "u32", 0, 0, "classid", f"1:{minor}")


def frame(source_mac, mac, source, address, port):
    """A UDP datagram whose checksum holds for every source port: its first word makes up for it."""
    network = IPv6(src=source, dst=address) if ":" in address else IP(src=source, dst=address)
    return bytes(Ether(bytes(Ether(src=source_mac, dst=mac) / network / UDP(sport=0, dport=port) / Raw(b"\xff\xff" + bytes(30)))))


def start(host, packet, interface="eth0", step=1, count=VALUES, rate_pps=16_000):
    """step 0: all are equal."""
    return host.popen("/usr/bin/python3", __file__, interface, packet.hex(), step, count, rate_pps)


def _open(interface, with_header):
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    packets.setsockopt(SOL_PACKET, PACKET_VNET_HDR, int(with_header))
    packets.setsockopt(socket.SOL_SOCKET, SO_TXTIME, struct.pack("=iI", time.CLOCK_MONOTONIC, 0))
    packets.bind((interface, 0))
    return packets


def main():
    interface, packet, *numbers = sys.argv[1:]
    step, count, rate = map(int, numbers)
    packet = bytearray.fromhex(packet)
    udp = 54 if packet[12:14] == b"\x86\xdd" else 34
    plain, with_header = _open(interface, False), _open(interface, True)
    begin = time.monotonic()
    for number in range(count):
        port = number * step % VALUES
        packet[udp : udp + 2] = port.to_bytes(2, "big")
        packet[udp + 8 : udp + 10] = (0xFFFF - port).to_bytes(2, "big")
        if number % BURST == 0:
            for one in (plain, with_header):
                one.setsockopt(socket.SOL_SOCKET, SO_MARK, random.getrandbits(31))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, random.getrandbits(31))
            time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        txtime = [(socket.SOL_SOCKET, SCM_TXTIME, struct.pack("=Q", time.monotonic_ns() + random.getrandbits(16)))]
        if number % 2:
            with_header.sendmsg([bytes(10), packet], txtime)
        else:
            plain.sendmsg([packet], txtime)


if __name__ == "__main__":
    main()
