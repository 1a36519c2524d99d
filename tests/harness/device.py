# SPDX-License-Identifier: BSD-2-Clause
"""A capture device as a program uses it: include/pfild/wire.h, spoken from Python."""
import os
import select
import socket
import struct
import subprocess
from dataclasses import dataclass

REQUEST = struct.Struct("=IIIHH")  # id, device, length, op, zero
REPLY = struct.Struct("=IIIHHII")  # id, device, length, op, flags, error, zero
RECORD = struct.Struct("=qqIIHBBI")  # seconds, fraction, caplen, datalen, hdrlen, direction, pad, ifindex
MORE = 1
(OPEN, CLOSE, READ, CANCEL, GET_BUFFER_SIZE, SET_BUFFER_SIZE, SET_FILTER, REPLACE_FILTER, FLUSH, SET_PROMISCUOUS, GET_DATA_LINK,
 GET_INTERFACE, SET_INTERFACE, GET_READ_TIMEOUT, SET_READ_TIMEOUT, GET_OPTIONS, SET_OPTIONS, GET_STATS, GET_READABLE, SHARE,
 SET_OPTION, SET_DATA_LINK, GET_DATA_LINKS, WRITE, SET_WRITE_FILTER, LOCK, GET_VERSION, GET_WAIT_TIMEOUT,
 SET_WAIT_TIMEOUT, END_WAIT_TIMEOUT) = range(30)  # fmt: skip
(IMMEDIATE, HEADER_COMPLETE, FEEDBACK, NONBLOCKING, DIRECTIONS, ORIGINS, NANOSECONDS, PERSONALITY) = range(8)
FOR_READING, FOR_WRITING, FOR_BOTH = range(3)
STATS = ("received", "dropped", "captured", "filtered", "delivered", "buffered", "flushed", "lost")


@dataclass(frozen=True)
class Record:
    time: float  # seconds since 1970
    data: bytes
    length: int  # on the wire
    direction: str  # "in", "out"; empty when not asked for
    ifindex: int


class DeviceError(OSError):
    """What the daemon answered."""


def connect(daemon):
    """A connection over which no device is open yet."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(str(daemon.run_folder / "bpf.sock"))
    connection.settimeout(30)
    return connection


class Device:
    """One device on a connection of its own. Also a context manager."""

    def __init__(self, daemon, interface=None, expression=None, buffer_size=262144, read_timeout_ms=0, access=FOR_BOTH, **options):
        self.socket = connect(daemon)
        self._id = 0
        self.number = 0
        self._send(OPEN, struct.pack("=II", 1, access))
        reply, descriptors, _, _ = socket.recv_fds(self.socket, REPLY.size + 32768, 1)
        _, self.number, _, _, _, error, _ = REPLY.unpack_from(reply)
        if error:
            raise DeviceError(error, reply[REPLY.size :].decode())
        self.readiness = descriptors[0]
        self.buffer_size = struct.unpack("=I", self.ask(SET_BUFFER_SIZE, struct.pack("=I", buffer_size)))[0]
        if expression:
            self.set_filter(expression)
        self.set_options(**options)
        if read_timeout_ms:
            self.ask(SET_READ_TIMEOUT, struct.pack("=qq", read_timeout_ms // 1000, read_timeout_ms % 1000 * 1000))
        if interface:
            self.attach(interface)

    def set_filter(self, expression, op=SET_FILTER, snap=262144):
        self.ask(op, b"".join(struct.pack("=HBBI", *step) for step in compiled(expression, snap)))

    def set_options(self, immediate=False, nonblocking=False, incoming=True, outgoing=True, origins=True):
        switches = [immediate, False, False, nonblocking, incoming, outgoing, origins, True, False]
        self.ask(SET_OPTIONS, bytes(map(int, switches)) + bytes(7))

    def set_option(self, name, value):
        self.ask(SET_OPTION, struct.pack("=II", name, value))

    def write(self, frame):
        """The bytes written."""
        return struct.unpack("=I", self.ask(WRITE, frame))[0]

    def attach(self, interface):
        self.ask(SET_INTERFACE, interface.encode())

    def ask(self, op, payload=b""):
        self._send(op, payload)
        return self._answer()

    def start_read(self, nonblocking=False):
        """The answer is fetched with finish_read()."""
        self._send(READ, struct.pack("=II", self.buffer_size, int(nonblocking)))
        return self._id

    def finish_read(self):
        return parse(self._answer())

    def read(self, nonblocking=False):
        """The records of one read(2)."""
        self.start_read(nonblocking)
        return self.finish_read()

    def read_all(self):
        """All that there is, without waiting."""
        records = []
        while True:
            try:
                records += self.read(nonblocking=True)
            except DeviceError as error:
                if error.errno != 11:
                    raise
                return records

    def stats(self):
        return dict(zip(STATS, struct.unpack("=8Q", self.ask(GET_STATS))))

    def readable(self, timeout_s=0.0):
        return bool(select.select([self.readiness], [], [], timeout_s)[0])

    def close(self):
        if self.socket.fileno() >= 0:
            self.socket.close()
            os.close(self.readiness)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _send(self, op, payload):
        self._id += 1
        self.socket.send(REQUEST.pack(self._id, self.number, len(payload), op, 0) + payload)

    def _answer(self):
        whole = b""
        while True:
            reply = self.socket.recv(REPLY.size + 32768)
            if not reply:
                raise DeviceError(0, "the daemon has closed the connection")
            _, _, length, _, flags, error, _ = REPLY.unpack_from(reply)
            payload = reply[REPLY.size : REPLY.size + length]
            if error:
                raise DeviceError(error, payload.decode())
            whole += payload
            if not flags & MORE:
                return whole


def compiled(expression, snap):
    """[(code, jt, jf, k)] for Ethernet frames."""
    command = ["tcpdump", "-y", "EN10MB", "-s", str(snap), "-ddd", expression]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()[1:]]


def parse(block):
    """The records of a read."""
    records, at = [], 0
    while at < len(block):
        seconds, fraction, caplen, datalen, hdrlen, direction, _, ifindex = RECORD.unpack_from(block, at)
        data = block[at + hdrlen : at + hdrlen + caplen]
        records.append(Record(seconds + fraction / 1e9, data, datalen, ("", "in", "out")[direction], ifindex))
        at += hdrlen + (caplen + 7) // 8 * 8
    return records
