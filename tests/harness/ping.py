# SPDX-License-Identifier: BSD-2-Clause
"""ping(8), counted."""
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class PingResult:
    sent: int
    received: int
    duplicates: int
    rtt_avg_ms: float  # 0 when nothing came back
    rtt_max_ms: float

    @property
    def lost(self):
        return self.sent - self.received


def ping(host, address, count=20, interval_ms=2, size_bytes=56, options=()):
    """Pings from `host`; never fails because of lost packets. `options` are further words for ping(8)."""
    command = ["ping", "-n", "-q", "-c", count, "-i", interval_ms / 1000, "-s", size_bytes, "-W", 1, *options, address]
    done = host.run(*command, check=False, timeout_s=60 + count * interval_ms / 1000)
    counts = re.search(r"(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?", done.stdout)
    if counts is None:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    rtt = re.search(r"= [\d.]+/([\d.]+)/([\d.]+)/", done.stdout)
    average, longest = (float(rtt[1]), float(rtt[2])) if rtt else (0.0, 0.0)
    return PingResult(int(counts[1]), int(counts[2]), int(counts[3] or 0), average, longest)
