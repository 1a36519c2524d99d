# SPDX-License-Identifier: BSD-2-Clause
"""How fast one TCP stream is."""
from . import guarded, loads
from .rounds import Row

NAME = "stream"
TITLE = "One TCP stream"
EXPLANATION = (
    "Over a veth pair with default offloads. The sender is on CPU 0; receiver and pfild's engine share CPU 1.",
    "pfild with known flows answers in the kernel after the first packets; userspace: every packet of both directions goes there.",
)
COLUMN = "Gbit/s"
REFERENCES = (("unfiltered", "unfiltered"),)
GUARDED = True


def _row(name, what, lab, times, beside=None):
    load, meter = loads.StreamLoad(lab), loads.Meter(lab.fw, "stream", "receive")
    return Row(name, what, lambda: {COLUMN: loads.rate(load, meter, times) * 8 / 1e9}, beside)


def _known(mode):
    return guarded.with_pfild("tcp dst port 23", "drop", options=(), mode=mode)[0]


def rows(times):
    return [
        _row("unfiltered", "no filter (the reference)", guarded.bare(), times),
        _row("nft", "nft input, a counter", guarded.with_nft("counter"), times),
        _row("nft-ct", "nft input, ct state", guarded.with_nft("ct state established,new counter accept"), times),
        _row("tc-known", "pfild TC, flow known", _known("tc"), times, "nft-ct"),
        _row("xdp-known", "pfild XDP, flow known", _known("xdp"), times, "nft-ct"),
        _row("tc-up", "pfild TC, userspace, both directions", guarded.with_pfild()[0], times),
        _row("xdp-up", "pfild XDP, userspace, both directions", guarded.with_pfild(mode="xdp")[0], times),
    ]
