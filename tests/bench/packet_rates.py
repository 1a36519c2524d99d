# SPDX-License-Identifier: BSD-2-Clause
"""How many packets a second each way of taking them can decide."""
from harness.lab import Lab

from . import guarded, loads
from .rounds import Row

NAME = "rates"
TITLE = "Packet rates"
EXPLANATION = (
    "60-byte UDP, one flow if nothing is said, as many as CPU 0 can make: it generates, and runs the driver, XDP and TC.",
    "CPU 1 runs the userspace half: the AF_XDP reader, or pfild's engine. Rates are what arrived, not what was offered.",
)
COLUMN = "Mpps"
REFERENCES = (("xdp-drop", "XDP"), ("tc-drop", "TC"), ("af-xdp", "AF_XDP"))
BEHIND = 100  # pref of a TC filter that runs behind pfild's head


def _row(name, what, lab, meter, times, flows=1):
    load = loads.PacketLoad(lab, flows)
    return Row(name, what, lambda: {COLUMN: loads.rate(load, meter, times) / 1e6})


def _sink(by, times, what):
    lab = Lab("host")
    if by == "tc-drop":
        guarded.receive_by_napi(lab)
    return _row(by, what, lab, loads.Meter(lab.fw, "sink", "eth0", "--by", by), times)


def _nft(name, what, lab, times):
    guarded.receive_by_napi(lab)
    meter = loads.Meter(lab.fw, "sink", "eth0", "--by", "nobody")
    return _row(name, what, lab, meter, times)


# Hooks whose answer holds for the whole flow of the load: it matches the one and not the other.
MATCHING = {"expression": "udp", "on_match": "drop", "options": ()}
OTHERS = {"expression": "tcp", "on_match": "drop", "options": ()}
MANY = 32768


def _pfild(name, what, counter, times, flows=1, **options):
    """What passes is dropped by a bare TC program behind the head: the stack's own work is not what is measured."""
    lab, daemon = guarded.with_pfild(direction="i", **options)
    guarded.receive_by_napi(lab)
    loads.Meter(lab.fw, "sink", "eth0", "--by", "tc-drop", "--pref", BEHIND)
    return _row(name, what, lab, loads.EngineMeter(daemon, counter), times, flows)


def rows(times):
    return [
        _sink("xdp-drop", times, "bare XDP_DROP (the reference)"),
        _sink("tc-drop", times, "bare TC drop"),
        _nft("nft-netdev", "nft netdev drop", guarded.with_nft_netdev("drop"), times),
        _nft("nft-drop", "nft input drop", guarded.with_nft("drop"), times),
        _nft("nft-ct-drop", "nft input drop, with conntrack", guarded.with_nft("ct state new,established drop"), times),
        _sink("af-xdp", times, "AF_XDP rx-drop, count only"),
        _pfild("pfild-unhooked", "pfild, no hook: passed in the kernel", "passed_unhooked", times, hooked=False),
        _pfild("pfild-known-drop", "pfild, flow known: drop in TC", "dropped_known", times, **MATCHING),
        _pfild("pfild-known-pass", "pfild, flow known: pass in TC", "passed_known", times, **OTHERS),
        _pfild("pfild-known-many", f"pfild, {MANY} flows known: drop in TC", "dropped_known", times, MANY, **MATCHING),
        _pfild("pfild-drop", "pfild, userspace drop", "engine_dropped", times, on_match="drop"),
        _pfild("pfild-pass", "pfild, userspace pass, back in the stack", "reentered", times),
    ]
