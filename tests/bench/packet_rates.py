# SPDX-License-Identifier: BSD-2-Clause
"""How many packets a second each way of taking them can decide."""
from dataclasses import replace

from harness.lab import Lab
from harness.programs import program

from . import guarded, loads
from .rounds import Row

NAME = "rates"
TITLE = "Packet rates"
EXPLANATION = (
    "60-byte UDP, one flow if nothing is said, as many as CPU 0 can make: it generates, and runs the driver, XDP and TC.",
    "Its like: XDP_PASS or TC pass for what passes, xdp-filter for drops in XDP, one flow for many, AF_XDP for userspace.",
    "CPU 1 runs the userspace half: the AF_XDP reader, or pfild's engine. Rates are what arrived, not what was offered.",
)
COLUMN = "Mpps"
REFERENCES = (("xdp-drop", "XDP_DROP"), ("af-xdp", "AF_XDP"))
BEHIND = 100  # pref of a TC filter that runs behind pfild's head


def _row(name, what, lab, meter, times, flows=1, beside=None):
    load = loads.PacketLoad(lab, flows)
    return Row(name, what, lambda: {COLUMN: loads.rate(load, meter, times) / 1e6}, beside)


def _sink(by, times, what):
    lab = Lab("host")
    if by.startswith("tc-"):
        guarded.receive_by_napi(lab)
    return _row(by, what, lab, loads.Meter(lab.fw, "sink", "eth0", "--by", by, "--pref", BEHIND), times)


def _by_interface(name, what, lab, times):
    meter = loads.Meter(lab.fw, "sink", "eth0", "--by", "nobody")
    return _row(name, what, lab, meter, times)


def _nft(name, what, lab, times):
    return _by_interface(name, what, guarded.receive_by_napi(lab), times)


# Hooks whose answer holds for the whole flow of the load: it matches the one and not the other.
MATCHING = {"expression": "udp", "on_match": "drop", "options": ()}
OTHERS = {"expression": "tcp", "on_match": "drop", "options": ()}
# A hook that wants every packet of the load, in the kernel.
LOWERED = {"expression": "ip[8] > 1 and udp dst port 9", "on_match": "drop", "run": "kernel"}
MILLION = 1048576


CAPTURED = "udp src portrange 10000-10002"  # 3 of 256 flows


def _captured(daemon):
    """A selective capture beside the traffic, on the CPU of the engine."""
    capture = daemon.host.popen(program("bpfctl"), "-N", daemon.name, "capture", "eth0", "-w", "/dev/null", CAPTURED)
    capture.wait_for_output("capturing on")
    loads.pin(capture.pid, loads.ENGINE_CPU)


def _pfild(name, what, counter, times, flows=1, beside=None, captured=False, **options):
    """What passes is dropped by a bare TC program behind the head: the stack's own work is not what is measured."""
    config = f"flows = {2 * flows}\nflow_idle_s = 3600\n" if flows > 1 else None
    lab, daemon = guarded.with_pfild(direction="i", config=config, **options)
    guarded.receive_by_napi(lab)
    loads.Meter(lab.fw, "sink", "eth0", "--by", "tc-drop", "--pref", BEHIND)
    if captured:
        _captured(daemon)
    learning_s = 4e-6 * flows  # the engine sees each flow once or twice before it is known
    times = replace(times, warm_up_s=times.warm_up_s + learning_s)
    return _row(name, what, lab, loads.EngineMeter(daemon, counter), times, flows, beside)


def rows(times):
    known = "dropped_known"
    return [
        _sink("xdp-drop", times, "bare XDP_DROP (the reference)"),
        _sink("xdp-pass", times, "bare XDP_PASS"),
        _sink("tc-drop", times, "bare TC drop"),
        _sink("tc-pass", times, "bare TC pass"),
        _sink("af-xdp", times, "AF_XDP rx-drop, count only"),
        _by_interface("xdp-filter", "xdp-filter drop", guarded.with_xdp_filter(), times),
        _nft("nft-netdev", "nft netdev drop", guarded.with_nft_netdev("drop"), times),
        _nft("nft-drop", "nft input drop", guarded.with_nft("drop"), times),
        _nft("nft-ct-drop", "nft input drop, with conntrack", guarded.with_nft("ct state new,established drop"), times),
        _pfild("xdp-known-drop", "pfild XDP, flow known: drop", known, times, beside="xdp-filter", mode="xdp", **MATCHING),
        _pfild("xdp-known-pass", "pfild XDP, flow known: pass", "passed_known", times, beside="xdp-pass", mode="xdp", **OTHERS),
        _pfild("tc-known-drop", "pfild TC, flow known: drop", known, times, beside="tc-drop", **MATCHING),
        _pfild("tc-known-pass", "pfild TC, flow known: pass", "passed_known", times, beside="tc-pass", **OTHERS),
        _pfild("xdp-lowered", "pfild XDP, hook in the kernel: drop", "dropped_lowered", times, beside="xdp-filter", mode="xdp", **LOWERED),
        _pfild("tc-lowered", "pfild TC, hook in the kernel: drop", "dropped_lowered", times, beside="tc-drop", **LOWERED),
        _pfild("xdp-64k", "pfild XDP, 65,536 flows known: drop", known, times, 65536, "xdp-known-drop", mode="xdp", **MATCHING),
        _pfild("xdp-1m", "pfild XDP, 1,048,576 flows known: drop", known, times, MILLION, "xdp-known-drop", mode="xdp", **MATCHING),
        _pfild("tc-64k", "pfild TC, 65,536 flows known: drop", known, times, 65536, "tc-known-drop", **MATCHING),
        _pfild("tc-256", "pfild TC, 256 flows known: pass", "passed_known", times, 256, "tc-known-pass", **OTHERS),
        _pfild("tc-256-captured", "the same, and 1 % of it captured", "passed_known", times, 256, "tc-256", captured=True, **OTHERS),
        _pfild("tc-unhooked", "pfild TC, no hook: passed in the kernel", "passed_unhooked", times, beside="tc-pass", hooked=False),
        _pfild("xdp-drop-up", "pfild XDP, userspace drop", "engine_dropped", times, beside="af-xdp", mode="xdp", on_match="drop"),
        _pfild("xdp-pass-up", "pfild XDP, userspace pass, back in the stack", "reentered", times, mode="xdp"),
        _pfild("tc-drop-up", "pfild TC, userspace drop", "engine_dropped", times, beside="af-xdp", on_match="drop"),
        _pfild("tc-pass-up", "pfild TC, userspace pass, back in the stack", "reentered", times),
    ]
