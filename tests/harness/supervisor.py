# SPDX-License-Identifier: BSD-2-Clause
"""A service supervisor as far as sd_notify(3) shows one to a daemon."""
import os
import select
import socket
import time


class Supervisor:
    """Hears what a daemon says of its life that is started by `started_by`."""

    def __init__(self, folder):
        path = os.path.join(folder, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self.started_by = ["env", f"NOTIFY_SOCKET={path}", "WATCHDOG_USEC=30000000"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def hears_beat(self, within_s=20):
        """Whether it is told once more that all threads live."""
        deadline = time.monotonic() + within_s
        while (left := deadline - time.monotonic()) > 0 and select.select([self._socket], [], [], left)[0]:
            if "WATCHDOG=1" in self._socket.recv(4096).decode().splitlines():
                return True
        return False

    def hears_nothing(self, for_s=4, within_s=30):
        """Whether there comes a time of `for_s` seconds without a beat."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if not self.hears_beat(for_s):
                return True
        return False


def thread_of(pid, name):
    """The number of a process's thread of that name."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as comm:
            if comm.read().strip() == name:
                return int(thread)
    raise AssertionError(f"process {pid} has no thread {name}")
