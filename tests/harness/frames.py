# SPDX-License-Identifier: BSD-2-Clause
"""Raw frames on an interface inside a host, built and read with scapy."""
import json
import math
import queue
import threading
import time
from dataclasses import dataclass

from scapy.all import Ether

from .programs import HARNESS


@dataclass(frozen=True)
class Seen:
    """A frame that passed the interface."""

    bytes: bytes  # with all its tags in place
    tag_in_metadata: bool
    outgoing: bool
    time_s: float

    @property
    def packet(self):
        return Ether(self.bytes)


class FramePort:
    """Sends frames on, and captures those of, one interface: `with FramePort(lab.cli) as port: ..`."""

    def __init__(self, host, interface="eth0"):
        self._process = host.popen("/usr/bin/python3", HARNESS / "frame_port.py", interface, interactive=True)
        self._seen = queue.Queue()
        if self._process.popen.stdout.readline() != b"ready\n":
            raise AssertionError(f"frame_port.py {interface}: {self._process.stderr}")
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def send(self, *packets):
        """Scapy packets that begin with Ether, or bytes; as they are, tags in-band."""
        for packet in packets:
            self._process.popen.stdin.write(bytes(packet).hex().encode() + b"\n")
        self._process.popen.stdin.flush()

    def send_last(self, *packets):
        """As send; returns when all that was ever sent here has left, after which nothing more can be sent or received."""
        self.send(*packets)
        self._process.popen.stdin.close()
        self._process.wait()

    def receive(self, wanted, count=1, timeout_s=5.0, watch_s=0.0):
        """Incoming frames for which wanted(scapy packet) holds; fewer than `count` when the time is over. When there are so many,
        those that come in the next `watch_s` too."""
        return self._collect(lambda seen: not seen.outgoing and wanted(seen.packet), count, timeout_s, watch_s)

    def receive_outgoing(self, wanted, count=1, timeout_s=5.0, watch_s=0.0):
        """The same of frames that leave the host by this interface."""
        return self._collect(lambda seen: seen.outgoing and wanted(seen.packet), count, timeout_s, watch_s)

    def close(self):
        """Returns when all that was ever sent here has left."""
        try:
            if not self._process.popen.stdin.closed:
                self.send_last()
        finally:
            self._process.close()

    def _collect(self, wanted, count, timeout_s, watch_s):
        found = self._collect_within(wanted, count, timeout_s)
        return found + self._collect_within(wanted, math.inf, watch_s) if watch_s else found

    def _collect_within(self, wanted, count, timeout_s):
        deadline = time.monotonic() + timeout_s
        found = []
        while len(found) < count:
            try:
                seen = self._seen.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if wanted(seen):
                found.append(seen)
        return found

    def _read(self):
        for line in self._process.popen.stdout:
            seen = json.loads(line)
            frame = bytes.fromhex(seen["frame"])
            self._seen.put(Seen(frame, seen["tag_in_metadata"], seen["outgoing"], seen["time"]))
