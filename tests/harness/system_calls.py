# SPDX-License-Identifier: BSD-2-Clause
"""A process held at each of its system calls, so that it can be killed between any two things that it asks of the kernel."""
import ctypes
import os
import signal

_SEIZE, _INTERRUPT, _TO_CALL, _DETACH = 0x4206, 0x4207, 24, 17
_MARK_CALLS = 1  # PTRACE_O_TRACESYSGOOD: a stop at a call says so
_AT_CALL = signal.SIGTRAP | 0x80
_ANY_THREAD = 0x40000000  # __WALL
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class SystemCalls:
    """Of the first thread of a process that the test has started; from when this is made the process stands still."""

    def __init__(self, pid):
        self._pid = pid
        self._request(_SEIZE, _MARK_CALLS)
        self._request(_INTERRUPT)
        self._status = self._stopped()

    def advance(self):
        """To the begin or the end of its next call."""
        while True:
            number = os.WSTOPSIG(self._status)
            self._request(_TO_CALL, 0 if number in (_AT_CALL, signal.SIGTRAP) or self._status >> 16 else number)
            self._status = self._stopped()
            if os.WSTOPSIG(self._status) == _AT_CALL:
                return

    def let_go(self):
        self._request(_DETACH)

    def _stopped(self):
        _, status = os.waitpid(self._pid, _ANY_THREAD)
        assert os.WIFSTOPPED(status), f"process {self._pid} ended: {status}"
        return status

    def _request(self, what, data=0):
        if _libc.ptrace(what, self._pid, None, data) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace {what:#x}: {os.strerror(ctypes.get_errno())}")
