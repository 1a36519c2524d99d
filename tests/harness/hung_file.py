# SPDX-License-Identifier: BSD-2-Clause
"""A file whose file system answers nobody any more: whoever reads it, or asks for its size, waits for ever.

A FUSE server of a dozen lines, spoken to over /dev/fuse (linux/fuse.h), which answers what open(2) asks and then falls silent.
"""
import contextlib
import ctypes
import os
import struct
import tempfile
import threading

_LOOKUP, _GETATTR, _OPEN, _INIT = 1, 3, 14, 26
_ROOT, _FILE = 1, 2
_IN = struct.Struct("<IIQQIIII")  # length, operation, unique, node, uid, gid, pid, padding
_OUT = struct.Struct("<IiQ")  # length, error, unique
_libc = ctypes.CDLL(None, use_errno=True)


def _attributes(node):
    mode = 0o40755 if node == _ROOT else 0o100644
    return struct.pack("<QQQQQQIIIIIIIIII", node, 4096, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class HungFile:
    """`with HungFile() as descriptor:`; needs root."""

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="pfild-hung-")
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0".encode()
        if _libc.mount(b"pfild-hung", self._folder.encode(), b"fuse", 0, options) != 0:
            raise OSError(ctypes.get_errno(), "mount")
        server = threading.Thread(target=self._serve, daemon=True)
        server.start()
        self._file = os.open(self._folder + "/file", os.O_RDWR)
        server.join()
        return self._file

    def __exit__(self, *_error):
        _libc.umount2(self._folder.encode(), 2)  # MNT_DETACH
        os.close(self._device)  # ends the connection, so that close(2) of the file waits for nobody
        with contextlib.suppress(OSError):  # there is no server to be told
            os.close(self._file)
        os.rmdir(self._folder)

    def _serve(self):
        """Until the file has been opened."""
        operation = None
        while operation != _OPEN:
            _, operation, unique, node, *_ = _IN.unpack_from(os.read(self._device, 1 << 17))
            body = {
                _INIT: struct.pack("<IIIIHHIIHHII", 7, 31, 0, 0, 1, 1, 4096, 1, 0, 0, 0, 0) + bytes(24),
                _LOOKUP: struct.pack("<QQQQII", _FILE, 0, 60, 60, 0, 0) + _attributes(_FILE),
                _GETATTR: struct.pack("<QII", 60, 0, 0) + _attributes(node),
                _OPEN: struct.pack("<QII", 1, 0, 0),
            }.get(operation)
            error = 0 if body is not None else -38
            body = body or b""
            os.write(self._device, _OUT.pack(_OUT.size + len(body), error, unique) + body)
