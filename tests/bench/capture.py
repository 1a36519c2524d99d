# SPDX-License-Identifier: BSD-2-Clause
"""The highest rate at which a capture loses nothing, what it loses at fixed rates, and what a packet costs it (loss.py)."""
import json
import os
import pathlib
import re
import signal
import time

from harness.lab import Lab
from harness.pfild import Pfild
from harness.programs import program

from . import guarded, loads, loss
from .rounds import Row

NAME = "capture"
TITLE = "Capture without loss"
EXPLANATION = (
    "The highest rate of a search in steps of a tenth at which every packet is captured, written to /dev/null. CPU 0 sends, and takes",
    "the copy; CPU 1 runs tcpdump, or pfild's device thread and bpfctl. Both have 16 MiB between kernel and userspace.",
    "1 %: the filter wants 3 of 256 flows. CPU: of those processes, for each packet that was sent at that rate.",
)
COLUMNS = (loss.LOSS_FREE, "CPU ns a packet")
REFERENCES = ()
GUARDED = True
WINDOW_S = 0.4
DRAIN_S = 1.2  # tcpdump hands over a block after a second at the latest
FIXED_PPS = (250_000, 500_000)
FLOWS = 256
SELECTED = 3  # of them
SELECTIVE = f"udp src portrange 10000-{10000 + SELECTED - 1}"
RING_KIB = 16384


class _Capture:
    """A program that captures on fw's eth0 while a load runs."""

    def __init__(self, lab, words, others=()):
        self._lab, self._words, self._others = lab, words, others

    def trial(self, rate_pps, size, selective):
        """(packets sent a second, the share of those wanted that was captured, CPU nanoseconds of a packet)"""
        process = self._lab.fw.popen(*self._words, *([SELECTIVE] if selective else ["udp"]))
        process.wait_for_output("on eth0")
        os.sched_setaffinity(process.pid, {loads.ENGINE_CPU})
        before = self._cpu_ns(process.pid)
        words = ["--seconds", WINDOW_S, "--flows", FLOWS, "--size", size, "--rate", rate_pps, "--cpu", loads.LOAD_CPU]
        sent = json.loads(self._lab.cli.run(loads.program("generate"), "eth0", *words).stdout.splitlines()[-1])
        time.sleep(DRAIN_S)
        spent = self._cpu_ns(process.pid) - before
        process.signal(signal.SIGINT)
        process.wait()
        said = process.stderr
        process.close()
        captured = int(re.search(r"(\d+) packets? captured", said)[1])
        return sent["sent"] / sent["seconds"], captured / max(1, expected(sent["sent"], selective)), spent / max(1, sent["sent"])

    def _cpu_ns(self, pid):
        return sum(_cpu_ns(one) for one in (pid, *self._others))


def expected(sent, selective):
    """How many of so many packets, each of the next flow, the filter wants."""
    return sum((sent - flow + FLOWS - 1) // FLOWS for flow in range(SELECTED)) if selective else sent


def _cpu_ns(pid):
    """What all threads of a process have run."""
    threads = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads)


def _measured(capture, size, selective, short):
    """The search, and the fixed rates where all packets are wanted."""

    def trial(rate_pps):
        return capture.trial(rate_pps, size, selective)

    best = loss.search(trial, loss.LOWEST_PPS if short else loss.HIGHEST_PPS) or (0.0, 0.0)
    fixed = {} if selective and not short else loss.fixed(trial, FIXED_PPS, short)
    return {**dict(zip(COLUMNS, (best[0] / 1e6, best[1]))), **fixed}


def _sink(lab):
    """What passes is dropped by a bare TC program: the stack's own work is not what is measured."""
    guarded.receive_by_napi(lab)
    loads.Meter(lab.fw, "sink", "eth0", "--by", "tc-drop", "--pref", guarded.BEHIND)


def _tcpdump():
    lab = Lab("host")
    _sink(lab)
    return _Capture(lab, ["tcpdump", "-n", "-i", "eth0", "-B", RING_KIB, "-w", "/dev/null"])


def _pfild():
    lab = Lab("host")
    daemon = Pfild(lab.fw, config=f"capture_ring_kib = {RING_KIB}\n")
    daemon.bpfctl("attach", "eth0", "--tap")
    loads.pin(daemon.pid, loads.ENGINE_CPU)
    _sink(lab)
    return _Capture(lab, [program("bpfctl"), "-N", daemon.name, "capture", "eth0", "-w", "/dev/null"], (daemon.pid,))


def rows(times):
    tcpdump, pfild = _tcpdump(), _pfild()
    found = []
    for size in (60, 1514):
        for selective, what in ((False, "all"), (True, "1 %")):
            name = f"{size}-{'selective' if selective else 'all'}"
            for who, capture in (("tcpdump", tcpdump), ("pfild", pfild)):

                def measure(capture=capture, size=size, selective=selective):
                    return _measured(capture, size, selective, times.short)

                beside = None if who == "tcpdump" else f"tcpdump-{name}"
                found.append(Row(f"{who}-{name}", f"{who}, {size} bytes, {what}", measure, beside))
    return found
