# SPDX-License-Identifier: BSD-2-Clause
"""How many packets a second each way of taking them can decide."""
from harness.lab import Lab
from harness.programs import program

from . import guarded, loads, references
from .rounds import Row

NAME = "rates"
TITLE = "Packet rates"
EXPLANATION = (
    "60-byte UDP, one flow if nothing is said, as many as CPU 0 can make: it generates, and runs the driver, XDP and TC. Keys of flows",
    "have no structure; flows come in the order in which they were learned, or scattered. +ns: over the bare program that does the same.",
    "Its like: XDP_PASS or TC pass for what passes, xdp-filter for drops in XDP, one flow for many, AF_XDP for userspace.",
    "CPU 1 runs the userspace half: the AF_XDP reader, or pfild's engine. Rates are what arrived, not what was offered.",
)
COLUMN = references.COLUMN
REFERENCES = (("xdp-drop", "XDP_DROP"), ("af-xdp", "AF_XDP"))
GUARDED = True


def _row(name, what, lab, meter, times, beside=None, bare=None, load=None):
    load = load or loads.PacketLoad(lab)
    return Row(name, what, lambda: {COLUMN: loads.rate(load, meter, times) / 1e6}, beside, bare)


def _by_interface(name, what, lab, times, bare=None):
    meter = loads.Meter(lab.fw, "sink", "eth0", "--by", "nobody")
    return _row(name, what, lab, meter, times, bare=bare)


def _nft(name, what, lab, times):
    return _by_interface(name, what, guarded.receive_by_napi(lab), times, "tc-drop")


def _known_connection(times):
    lab = guarded.with_known_connection()
    row = _nft("nft-ct-known", "nft input drop, connection known to conntrack", lab, times)
    measure = row.measure

    def measured():
        if guarded.connections(lab.fw) == 0:
            raise RuntimeError("conntrack does not know the connection that was let pass")
        return measure()

    row.measure = measured
    return row


# Hooks whose answer holds for the whole flow of the load: it matches the one and not the other.
MATCHING = {"expression": "udp", "on_match": "drop", "options": ()}
OTHERS = {"expression": "tcp", "on_match": "drop", "options": ()}
# A hook that wants every packet of the load, in the kernel.
LOWERED = {"expression": "ip[8] > 1 and udp dst port 9", "on_match": "drop", "run": "kernel"}
SOME, THOUSANDS, MILLION = 4096, 65536, 1048576
FEW = 256
CAPTURED = "udp src portrange 10000-10282"  # 3 of the 256 flows, whose keys have no structure


def _captured(daemon):
    """A selective capture beside the traffic, on the CPU of the engine."""
    capture = daemon.host.popen(program("bpfctl"), "-N", daemon.name, "capture", "eth0", "-w", "/dev/null", CAPTURED)
    capture.wait_for_output("capturing on")
    loads.pin(capture.pid, loads.ENGINE_CPU)


def _daemon(flows=1, capacity=None, captured=False, **options):
    """A lab and its daemon, which knows all flows of the load. What passes is dropped by a bare TC program behind the head: the
    stack's own work is not what is measured."""
    config = f"flows = {capacity or 2 * flows}\nflow_idle_s = 3600\n" if flows > 1 else None
    lab, daemon = guarded.with_pfild(direction="i", config=config, **options)
    guarded.receive_by_napi(lab)
    loads.Meter(lab.fw, "sink", "eth0", "--by", "tc-drop", "--pref", guarded.BEHIND)
    if flows > 1:
        loads.learn(lab, daemon, flows)
    if captured:
        _captured(daemon)
    return lab, daemon


def _pfild(name, what, counter, times, beside=None, bare=None, flows=1, captured=False, **options):
    lab, daemon = _daemon(flows, captured=captured, **options)
    load = loads.PacketLoad(lab, flows)
    return _row(name, what, lab, loads.EngineMeter(daemon, counter), times, beside, bare, load)


def _many(mode, flows, times, quarters=2):
    """Two rows of one daemon, whose table is filled to so many quarters: flows in order, and scattered."""
    name = f"{mode}-{flows}{'' if quarters == 2 else '-full'}"
    flows = SOME if times.short else flows
    lab, daemon = _daemon(flows, 4 * flows // quarters, mode=mode, **MATCHING)
    meter = loads.EngineMeter(daemon, "dropped_known")
    full = "half full" if quarters == 2 else "three quarters full"
    for order in ("in order", "scattered"):
        load = loads.PacketLoad(lab, flows, order == "scattered")
        what = f"pfild {mode.upper()}, {flows:,} flows known, table {full}, {order}: drop"
        yield _row(f"{name}-{order.replace(' ', '-')}", what, lab, meter, times, f"{mode}-known-drop", f"{mode}-drop", load)


def rows(times):
    known, lowered = "dropped_known", "dropped_lowered"
    return [
        *references.rows(times),
        references.sink("xdp-pass", "bare XDP_PASS", "xdp-pass", times),
        references.sink("tc-drop", "bare TC drop", "tc-drop", times),
        references.sink("tc-pass", "bare TC pass", "tc-pass", times),
        _by_interface("xdp-filter", "xdp-filter drop", guarded.with_xdp_filter(), times, "xdp-drop"),
        _nft("nft-netdev", "nft netdev drop", guarded.with_nft_netdev("drop"), times),
        _nft("nft-drop", "nft input drop", guarded.with_nft("drop"), times),
        _nft("nft-ct-drop", "nft input drop, each packet a connection never confirmed", guarded.with_nft("ct state new,established drop"), times),
        _known_connection(times),
        _pfild("xdp-known-drop", "pfild XDP, flow known: drop", known, times, "xdp-filter", "xdp-drop", mode="xdp", **MATCHING),
        _pfild("xdp-known-pass", "pfild XDP, flow known: pass", "passed_known", times, "xdp-pass", "xdp-pass", mode="xdp", **OTHERS),
        _pfild("tc-known-drop", "pfild TC, flow known: drop", known, times, "nft-ct-known", "tc-drop", **MATCHING),
        _pfild("tc-known-pass", "pfild TC, flow known: pass", "passed_known", times, "tc-pass", "tc-pass", **OTHERS),
        _pfild("xdp-lowered", "pfild XDP, hook in the kernel: drop", lowered, times, "xdp-known-drop", "xdp-drop", mode="xdp", **LOWERED),
        _pfild("tc-lowered", "pfild TC, hook in the kernel: drop", lowered, times, "tc-known-drop", "tc-drop", **LOWERED),
        *_many("xdp", THOUSANDS, times),
        *_many("xdp", THOUSANDS, times, quarters=3),
        *_many("xdp", MILLION, times),
        *_many("xdp", MILLION, times, quarters=3),
        *_many("tc", THOUSANDS, times),
        _pfild("tc-256", "pfild TC, 256 flows known: pass", "passed_known", times, "tc-known-pass", "tc-pass", FEW, **OTHERS),
        _pfild("tc-256-captured", "the same, and 1 % of it captured", "passed_known", times, "tc-256", "tc-pass", FEW, captured=True, **OTHERS),
        _pfild("tc-unhooked", "pfild TC, no hook: passed in the kernel", "passed_unhooked", times, "tc-pass", "tc-pass", hooked=False),
        _pfild("xdp-drop-up", "pfild XDP, userspace drop", "engine_dropped", times, "af-xdp", "af-xdp", mode="xdp", on_match="drop"),
        _pfild("xdp-pass-up", "pfild XDP, userspace pass, back in the stack", "reentered", times, mode="xdp"),
        _pfild("tc-drop-up", "pfild TC, userspace drop", "engine_dropped", times, "af-xdp", "af-xdp", on_match="drop"),
        _pfild("tc-pass-up", "pfild TC, userspace pass, back in the stack", "reentered", times),
    ]
