# SPDX-License-Identifier: BSD-2-Clause
"""The two references that say whether a machine is quiet: one of the generator's CPU alone, one across both. They are measured in
every round of every table that is about packets; where one of them is not steady, nothing there is worth a ratio.

A machine can also be steadily wrong: one of its CPUs taken away for the whole run. So the two are held against each other, too.
"""
from harness.lab import Lab

from . import guarded, loads
from .rounds import SPREAD_LIMIT, Row

COLUMN = "Mpps"
NAMES = ("xdp-drop", "af-xdp")
USUAL_SHARE = 0.5  # of AF_XDP to XDP_DROP, both in copy mode over veth: 0.42 to 0.56 where it was seen
SHARE_LIMIT = 2.0  # times off


def sink(name, what, by, times):
    """A row of the cheapest program of that kind."""
    lab = Lab("host")
    if by.startswith("tc-"):
        guarded.receive_by_napi(lab)
    meter = loads.Meter(lab.fw, "sink", "eth0", "--by", by, "--pref", guarded.BEHIND)
    load = loads.PacketLoad(lab)
    return Row(name, what, lambda: {COLUMN: loads.rate(load, meter, times) / 1e6})


def rows(times):
    return [
        sink("xdp-drop", "bare XDP_DROP (the reference of CPU 0)", "xdp-drop", times),
        sink("af-xdp", "AF_XDP rx-drop, count only (the reference across CPUs)", "af-xdp", times),
    ]


def are_in(measured):
    return {row.name for row in measured} >= set(NAMES)


def refusal(reference_rows):
    """Why nothing must be compared, in a sentence; None when it may."""
    by_name = {row.name: row for row in reference_rows}
    for row in (by_name[name] for name in NAMES):
        if not row.steady(COLUMN):
            return f"{row.what} varied by {row.spread(COLUMN):.0%} between the rounds, more than {SPREAD_LIMIT:.0%}"
    share = by_name["af-xdp"].against(by_name["xdp-drop"], COLUMN)
    if share is None or not USUAL_SHARE / SHARE_LIMIT <= share <= USUAL_SHARE * SHARE_LIMIT:
        seen = "nothing" if share is None else f"{share:.2f}"
        return f"AF_XDP reached {seen} of XDP_DROP, which is more than {SHARE_LIMIT:g} times off its usual {USUAL_SHARE:g}"
    return None


def said(reference_rows):
    """What they were, in a line."""
    parts = [f"{row.name} {row.median(COLUMN):.2f} Mpps (varied by {row.spread(COLUMN):.0%})" for row in reference_rows if row.name in NAMES]
    return "references: " + ", ".join(parts)
