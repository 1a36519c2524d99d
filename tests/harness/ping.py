# SPDX-License-Identifier: BSD-2-Clause
"""ping(8), counted. It waits for the last answer no longer than an interval or twice the longest round trip: what comes later,
on a busy machine, its host's stack has counted.

Whoever expects answers waits long for them, and no longer than they take; whoever expects none says so: unanswered()."""
import re
import time
from dataclasses import dataclass

PATIENCE_S = 1.0
BLOCKED_S = 0.3  # some hundred round trips


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


def _answers(host, address):
    """Echo replies that the stack of the host has received so far, of the address's family."""
    if ":" in address:
        return int(host.run("grep", "^Icmp6InEchoReplies ", "/proc/net/snmp6").stdout.split()[1])
    names, values = (line.split() for line in host.run("grep", "^Icmp:", "/proc/net/snmp").stdout.splitlines())
    return int(dict(zip(names, values))["InEchoReps"])


def _late(host, address, before, missing, seen, patience_s):
    """How many of the missing answers came after all."""
    deadline = time.monotonic() + patience_s
    while (late := _answers(host, address) - before - seen) < missing and time.monotonic() < deadline:
        time.sleep(0.02)
    return max(0, min(late, missing))


def ping(host, address, count=20, interval_ms=2, size_bytes=56, patience_s=PATIENCE_S, options=()):
    """Pings from `host`; never fails because of lost packets. `options` are further words for ping(8)."""
    command = ["ping", "-n", "-q", "-c", count, "-i", interval_ms / 1000, "-s", size_bytes, "-W", patience_s, *options, address]
    before = _answers(host, address)
    done = host.run(*command, check=False, timeout_s=60 + count * interval_ms / 1000)
    counts = re.search(r"(\d+) packets transmitted, (\d+) received(?:, \+(\d+) duplicates)?", done.stdout)
    if counts is None:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    rtt = re.search(r"= [\d.]+/([\d.]+)/([\d.]+)/", done.stdout)
    average, longest = (float(rtt[1]), float(rtt[2])) if rtt else (0.0, 0.0)
    sent, received, duplicates = int(counts[1]), int(counts[2]), int(counts[3] or 0)
    if received < sent:
        late_s = patience_s if received else patience_s / 3  # without any answer ping(8) itself has waited
        received += _late(host, address, before, sent - received, received + duplicates, late_s)
    return PingResult(sent, received, duplicates, average, longest)


def unanswered(host, address, count=10, **options):
    """Were so many pings sent, and none answered?"""
    result = ping(host, address, count, patience_s=BLOCKED_S, **options)
    return (result.sent, result.received) == (count, 0)
