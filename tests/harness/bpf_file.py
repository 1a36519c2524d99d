# SPDX-License-Identifier: BSD-2-Clause
"""/dev/bpf as a program has it: the file, its ioctls and its records, as include/pfild/net/bpf.h has them."""
import ctypes
import fcntl
import os
import pathlib
import struct

from .device import compiled, parse
from .judges import wait_until
from .process import Process
from .programs import program


def _number(direction, number, size):
    return direction << 30 | size << 16 | ord("B") << 8 | number


_GIVES, _TAKES = 2, 1
GBLEN = _number(_GIVES, 102, 4)
SBLEN = _number(_GIVES | _TAKES, 102, 4)
SETF = _number(_TAKES, 103, 16)
FLUSH = _number(0, 104, 0)
PROMISC = _number(0, 105, 0)
GDLT = _number(_GIVES, 106, 4)
GETIF = _number(_GIVES, 107, 40)
SETIF = _number(_TAKES, 108, 40)
GSTATS = _number(_GIVES, 111, 128)
GSTATSOLD = _number(_GIVES, 111, 8)
IMMEDIATE = _number(_TAKES, 112, 4)
VERSION = _number(_GIVES, 113, 4)
GHDRCMPLT = _number(_GIVES, 116, 4)
SHDRCMPLT = _number(_TAKES, 117, 4)
SDLT = _number(_TAKES, 118, 4)
GDLTLIST = _number(_GIVES | _TAKES, 119, 16)
GDIRECTION = _number(_GIVES, 120, 4)
SDIRECTION = _number(_TAKES, 121, 4)
SRTIMEOUT = _number(_TAKES, 122, 16)
GRTIMEOUT = _number(_GIVES, 123, 16)
GFEEDBACK = _number(_GIVES, 124, 4)
SFEEDBACK = _number(_TAKES, 125, 4)
GWTIMEOUT = _number(_GIVES, 126, 16)
SWTIMEOUT = _number(_TAKES, 126, 16)
LOCK = _number(0, 126, 0)
SETWF = _number(_TAKES, 127, 16)
SETFNR = _number(_TAKES, 130, 16)
GDIRFILT = _number(_GIVES, 224, 4)
SDIRFILT = _number(_TAKES, 225, 4)
DWTIMEOUT = _number(0, 226, 0)

_libc = ctypes.CDLL(None, use_errno=True)


class DevBpf:
    """pfild-devbpf with a command that waits: its /dev/bpf can be opened from here. Also a context manager."""

    def __init__(self, daemon):
        self.process = Process([program("pfild-devbpf"), "--name", daemon.name, "run", "sleep", "infinity"])
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        wait_until(lambda: not self.process.running() or children.read_text(), timeout_s=20)
        assert self.process.running(), self.process.stderr
        self.path = f"/proc/{children.read_text().split()[0]}/root/dev/bpf"
        self._files = []

    def open(self, interface=None, flags=os.O_RDWR, **options):
        self._files.append(BpfFile(self.path, interface, flags, **options))
        return self._files[-1]

    def descriptors(self):
        """How many descriptors the server has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def close(self):
        for one in self._files:
            one.close()
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class BpfFile:
    """One open of it. Also a context manager."""

    def __init__(self, path, interface=None, flags=os.O_RDWR, expression=None, immediate=False, buffer_size=32768):
        self.fd = os.open(path, flags | os.O_CLOEXEC)
        self.buffer_size = self.set_u32(SBLEN, buffer_size)
        if expression:
            self.set_filter(expression)
        if immediate:
            self.set_u32(IMMEDIATE, 1)
        if interface:
            self.set_interface(interface)

    def fileno(self):
        return self.fd

    def ioctl(self, number, argument=b""):
        """The bytes that come back; OSError."""
        size = number >> 16 & 0x3FFF
        if not size:
            return fcntl.ioctl(self.fd, number)
        return fcntl.ioctl(self.fd, number, argument.ljust(size, b"\0"))

    def u32(self, number):
        return struct.unpack("=I", self.ioctl(number))[0]

    def set_u32(self, number, value):
        return struct.unpack("=I", self.ioctl(number, struct.pack("=I", value)))[0]

    def set_interface(self, name):
        self.ioctl(SETIF, name.encode())

    def set_filter(self, expression, number=SETF):
        steps = compiled(expression, 262144)
        self.set_program(b"".join(struct.pack("=HBBI", *step) for step in steps), number)

    def set_program(self, instructions, number=SETF, count=None):
        memory = ctypes.create_string_buffer(instructions, max(len(instructions), 1))
        self.set_program_at(ctypes.addressof(memory), len(instructions) // 8 if count is None else count, number)

    def set_program_at(self, address, count, number=SETF):
        self.ioctl(number, struct.pack("=I4xQ", count, address))

    def link_types_at(self, address, room):
        """How many there are."""
        return struct.unpack("=I4xQ", self.ioctl(GDLTLIST, struct.pack("=I4xQ", room, address)))[0]

    def read(self, size=None):
        """The records of one read."""
        return parse(self.read_bytes(size))

    def read_bytes(self, size=None):
        return os.read(self.fd, self.buffer_size if size is None else size)

    def write(self, data):
        return os.write(self.fd, data)

    def stats(self):
        """received, dropped, captured."""
        return struct.unpack_from("=3Q", self.ioctl(GSTATS))

    def set_nonblocking(self, on=True):
        flags = fcntl.fcntl(self.fd, fcntl.F_GETFL) & ~os.O_NONBLOCK
        fcntl.fcntl(self.fd, fcntl.F_SETFL, flags | (os.O_NONBLOCK if on else 0))

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
