# SPDX-License-Identifier: BSD-2-Clause
"""How long a packet is on its way and back."""
from . import guarded, loads
from .rounds import Row

NAME = "latency"
TITLE = "Round trip of a UDP packet"
EXPLANATION = (
    "One packet at a time, 300 us apart, both ends block in recv(2): waking them up is part of it, and so is waking the engine.",
    "pfild: request and answer both go through userspace. The difference is what the filter adds to a whole round trip.",
)
COLUMNS = ("p50_us", "p99_us")
GUARDED = True


def _row(name, what, lab, times):
    lab.fw.popen(loads.program("ping_pong"), "echo", "--cpu", loads.ENGINE_CPU).wait_for_output("ready")

    def measure():
        trips = loads.round_trips(lab, times.samples)
        return {column: trips[column] for column in COLUMNS}

    return Row(name, what, measure)


def rows(times):
    return [
        _row("unfiltered", "no filter (the reference)", guarded.bare(), times),
        _row("nft", "nft input, a counter", guarded.with_nft("counter"), times),
        _row("pfild-known", "pfild, flow known", guarded.with_pfild("tcp dst port 23", "drop", options=())[0], times),
        _row("pfild", "pfild, userspace, both directions", guarded.with_pfild()[0], times),
    ]
