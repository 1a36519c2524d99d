# SPDX-License-Identifier: BSD-2-Clause
"""A host with open doors, and who knocks at them with frames of any kind: the judge of whether a packet has got past.

    with Doors(lab.fw, lab.cli) as doors:
        doors.knock(frames)             sends them, and returns when what they bring about has happened
        doors.opened()                  {Knock("tcp", 23, 7), ..}: port 23 has answered the SYN with id 7

A knock is a datagram that a socket has received, a packet of another protocol that a raw socket has, or the SYN-ACK that the
client was sent: nothing here depends on what a packet looks like. Ids are those of tests/frames: TCP's sequence number, or what is
behind the mark in the payload.

Inside hosts: `doors.py listen TCP,.. UDP,.. PROTOCOL,..` and `doors.py knock IFACE`, which sends what it reads as hex.
"""
import errno
import mmap
import selectors
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

MARK = b"pfid"
BLOCKED, ALLOWED = 23, 8443
PORTS = (BLOCKED, ALLOWED, 22, 53, 80, 443, 3306, 5000)
PROTOCOLS = (50, 132, 253, 254)
BATCH = 100  # frames, behind which the sender waits until they have arrived
FIRST_MARKER = 0xF0000000
CLIENT, HOST = ("192.0.2.1", "2001:db8:1::1"), ("192.0.2.2", "2001:db8:1::2")


@dataclass(frozen=True, order=True)
class Knock:
    what: str  # tcp, udp, raw
    door: int  # port or protocol
    id: int


@dataclass(frozen=True)
class Item:
    """A packet of tests/frames."""

    id: int
    seen: str  # as_port, never, open, plain
    sentence: str
    frames: tuple  # of hexadecimal digits


def items(*words):
    """Of attack_frames, with these arguments."""
    from .programs import program  # not there inside hosts

    lines = subprocess.run([program("attack_frames"), *map(str, words)], capture_output=True, text=True, check=True).stdout
    rows = (line.split("\t") for line in lines.splitlines())
    return [Item(int(number), seen, sentence, tuple(frames)) for number, seen, sentence, *frames in rows]


def at_rest(daemon, direction="in"):
    """Waits until nothing that has met the head is on its way. What the kernel itself drops on the way back (a tag that is cut short) is
    never counted there, so it is the counters' standing still that tells."""
    from .judges import wait_until

    before = {}

    def still():
        now = daemon.bpfctl.json("stats")["interfaces"]["eth0"][direction]
        same = now == before and now["diverted"] == now["engine_received"]
        before.clear()
        before.update(now)
        return same

    return wait_until(still)


class Doors:
    """Listens on all of PORTS and PROTOCOLS in `host`; knocks from `client`.

    vlan: the host gets a VLAN device of that id, if its kernel knows any; has_vlan tells. how: frames are sent linear; paged, with only
    the Ethernet header in the skb's linear part, as drivers leave it that split packets; or uncut, as a guest's that leaves it to its
    host to cut them (those that the kernel takes so).
    """

    def __init__(self, host, client, vlan=None, how="linear"):
        self._markers = FIRST_MARKER
        self._knocks = []
        self.has_vlan = _prepare(host, client, vlan)
        words = (",".join(map(str, PORTS)), ",".join(map(str, PROTOCOLS)))
        self._listener = self._start(host, "listen", *words)
        self._knocker = self._start(client, "knock", "eth0", how)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        self._knocker.popen.stdin.close()
        for process in (self._knocker, self._listener):
            process.close()

    def forget(self):
        """What has been so far is not among what `opened` says from here on."""
        self._knocks = []

    def opened(self):
        """All knocks but those of markers."""
        return {knock for knock in list(self._knocks) if knock.id < FIRST_MARKER}

    def knock(self, wanted):
        """The frames of items, in order."""
        for start in range(0, len(wanted), BATCH):
            self._send([frame for item in wanted[start : start + BATCH] for frame in item.frames])
            self._wait_for_marker()

    def _send(self, frames):
        self._knocker.popen.stdin.write("".join(f"{frame}\n" for frame in frames).encode())
        self._knocker.popen.stdin.flush()

    def _wait_for_marker(self):
        """A SYN and a datagram to the allowed port come last, and are not lost: they are sent until they arrive."""
        self._markers += 1
        number = self._markers
        deadline = time.monotonic() + 20
        missing = {Knock(what, ALLOWED, number) for what in ("tcp", "udp")}
        while missing:
            assert time.monotonic() < deadline, f"{missing} do not arrive: nothing reaches the host any more"
            self._send([marker(knock.what, number) for knock in missing])
            until = time.monotonic() + 0.5
            while missing and time.monotonic() < until:
                time.sleep(0.002)
                missing -= set(self._knocks[-BATCH:])

    def _start(self, where, *words):
        process = where.popen("/usr/bin/python3", "-u", __file__, *words, interactive=True)
        assert process.popen.stdout.readline() == b"ready\n", process.stderr
        threading.Thread(target=self._read, args=(process.popen.stdout,), daemon=True).start()
        return process

    def _read(self, lines):
        for line in lines:
            what, door, number = line.decode().split()
            self._knocks.append(Knock(what, int(door), int(number)))


def _prepare(host, client, vlan):
    """Nobody asks for addresses, nothing is refused for the way by which it came, and no half of a datagram is kept for long."""
    has_vlan = False
    settings = ("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0", "net.ipv4.ipfrag_time=1",
                "net.ipv6.ip6frag_time=1", "net.ipv4.ipfrag_high_thresh=67108864", "net.ipv6.ip6frag_high_thresh=67108864",
                "net.ipv4.tcp_max_syn_backlog=8192", "net.ipv4.icmp_ratelimit=0")  # fmt: skip
    host.run("sysctl", "-qw", *settings)
    host.run("sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=0")
    if vlan is not None:
        add = ("ip", "link", "add", "link", "eth0", "name", f"eth0.{vlan}", "type", "vlan", "id", vlan)
        if has_vlan := host.run(*add, check=False).returncode == 0:
            host.run("ip", "link", "set", f"eth0.{vlan}", "up")
            host.run("sysctl", "-qw", f"net.ipv4.conf.eth0/{vlan}.rp_filter=0")
    for where, whose in ((host, client), (client, host)):
        for address in CLIENT if whose is client else HOST:
            where.run("ip", "neigh", "replace", address, "lladdr", whose.eth0.mac, "dev", "eth0", "nud", "permanent")
    return has_vlan


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def marker(what, number):
    """A plain frame to the allowed port, in hexadecimal digits."""
    protocol = {"tcp": 6, "udp": 17}[what]
    port = 1 + number % 1000
    if what == "tcp":
        body = struct.pack("!HHIIBBHHH", port, ALLOWED, number, 0, 0x50, 2, 65535, 0, 0)
    else:
        body = struct.pack("!HHHH", port, ALLOWED, 16, 0) + MARK + struct.pack("!I", number)
    source, to = socket.inet_aton(CLIENT[0]), socket.inet_aton(HOST[0])
    at = 16 if what == "tcp" else 6
    right = _checksum(source + to + struct.pack("!HH", protocol, len(body)) + body)
    body = body[:at] + struct.pack("!H", right) + body[at + 2 :]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0x4000, 64, protocol, 0) + source + to
    header = header[:10] + struct.pack("!H", _checksum(header)) + header[12:]
    return (bytes.fromhex("020000000102020000000101") + b"\x08\x00" + header + body).hex()


def _id_in(data):
    at = data.find(MARK)
    return struct.unpack_from("!I", data, at + 4)[0] if 0 <= at <= len(data) - 8 else None


def _listen(ports, protocols):
    waiting = selectors.DefaultSelector()
    for number, port in enumerate(ports):
        tcp = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)  # of both families, as mapped addresses
        tcp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind(("::", port))
        tcp.listen(4096)
        waiting.register(tcp, selectors.EVENT_READ, None)
        for family in (socket.AF_INET6,) if number % 2 else (socket.AF_INET, socket.AF_INET6):
            udp = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if number % 2 else 1)
            udp.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
            udp.bind(("", port))
            waiting.register(udp, selectors.EVENT_READ, ("udp", port))
    for protocol in protocols:
        for family in (socket.AF_INET, socket.AF_INET6):
            raw = socket.socket(family, socket.SOCK_RAW, protocol)
            raw.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)
            waiting.register(raw, selectors.EVENT_READ, ("raw", protocol))
    print("ready")
    while True:
        for key, _events in waiting.select():
            if key.data is None:
                key.fileobj.accept()[0].close()
                continue
            number = _id_in(key.fileobj.recv(1 << 16))
            if number is not None:
                sys.stdout.write("{} {} {}\n".format(*key.data, number))


def _answer_in(frame):
    """(port, sequence number) of the SYN that this frame is the answer to; nothing if it is none."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 6:
        at = 14 + 4 * (frame[14] & 15)
    elif kind == b"\x86\xdd" and frame[20] == 6:
        at = 54
    else:
        return None
    if frame[at + 13] & 0x12 != 0x12:
        return None
    port, acknowledged = struct.unpack_from("!H6xI", frame, at)
    return port, (acknowledged - 1) & 0xFFFFFFFF


def _watch(packets):
    while True:
        frame, address = packets.recvfrom(1 << 16)
        answer = _answer_in(frame) if address[2] != 4 else None  # PACKET_OUTGOING
        if answer:
            sys.stdout.write(f"tcp {answer[0]} {answer[1]}\n")
            sys.stdout.flush()


class _Ring:
    """A socket's ring of frames to send (packet_mmap of the kernel's documentation): a frame at a time."""

    SLOT, DATA = 4096, 32  # bytes of a slot; where the frame is behind its struct tpacket2_hdr
    REQUESTED = 1  # TP_STATUS_SEND_REQUEST

    def __init__(self, interface):
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(263, 10, 1)  # SOL_PACKET, PACKET_VERSION: TPACKET_V2
        self._socket.setsockopt(263, 13, struct.pack("IIII", self.SLOT, 1, self.SLOT, 1))  # PACKET_TX_RING
        self._socket.bind((interface, 0))
        self._slot = mmap.mmap(self._socket.fileno(), self.SLOT)

    def send(self, frame):
        self._slot[self.DATA : self.DATA + len(frame)] = frame
        struct.pack_into("II", self._slot, 0, self.REQUESTED, len(frame))
        self._socket.send(b"")


class _Guest:
    """A socket that says of each frame that it is still to be cut (PACKET_VNET_HDR)."""

    CUT = 16  # bytes: what the packets of tests/frames carry at least
    TCP4, TCP6, UDP = 1, 4, 5  # VIRTIO_NET_HDR_GSO_TCPV4, _TCPV6, _UDP_L4

    def __init__(self, interface):
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(263, 15, 1)  # SOL_PACKET, PACKET_VNET_HDR
        self._socket.bind((interface, 0))

    def send(self, frame):
        for kind in (self.TCP4, self.TCP6, self.UDP, 0):
            cut = struct.pack("=BBHHHH", 0, kind, 0, self.CUT if kind else 0, 0, 0)
            try:
                self._socket.send(cut + frame)
                return
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOMEM):  # no such packet; one that it cannot cut
                    raise


def _sender(interface, how):
    if how != "linear":
        return {"paged": _Ring, "uncut": _Guest}[how](interface)
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((interface, 0))
    return sender


def _knock(interface, how):
    watched = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    watched.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    watched.bind((interface, 3))  # ETH_P_ALL
    sender = _sender(interface, how)
    print("ready", flush=True)
    threading.Thread(target=_watch, args=(watched,), daemon=True).start()
    for line in sys.stdin:
        try:
            sender.send(bytes.fromhex(line))
        except OSError as error:
            if error.errno not in (errno.ENOBUFS, errno.EMSGSIZE):
                raise


def main():
    if sys.argv[1] == "listen":
        _listen(*(list(map(int, words.split(","))) for words in sys.argv[2:]))
    else:
        _knock(*sys.argv[2:])


if __name__ == "__main__":
    main()
