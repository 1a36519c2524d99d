# SPDX-License-Identifier: BSD-2-Clause
"""What is lost at a fixed rate, and the highest rate at which nothing is (RFC 2544, section 26.1: a search over rates, each of which
is offered for a while and counted afterwards)."""
import time

from harness.lab import Lab

from . import guarded, loads
from .rounds import Row

NAME = "loss"
TITLE = "Loss of packets that go through userspace"
EXPLANATION = (
    "60-byte UDP at a rate, one flow. Loss-free: the highest rate of a search in steps of a tenth at which every packet is counted, which",
    "RFC 2544 wants offered for 60 s and here is for {window:g} s. Arrived: of what was offered at that rate, the worst round; -: CPU 0 could",
    "not make so many. A rate-limited sender spins on CPU 0, which runs the driver, XDP and TC, too.",
)
LOSS_FREE = "loss-free Mpps"
COLUMNS = (LOSS_FREE,)
REFERENCES = ()
GUARDED = True
WINDOW_S = 0.3
DRAIN_S = 0.1
LOWEST_PPS, HIGHEST_PPS = 50_000, 8_000_000
STEP = 1.1
FIXED_PPS = (250_000, 500_000, 1_000_000)
OFFERED = 0.9  # of a rate; less is not that rate
EXPLANATION = tuple(line.format(window=WINDOW_S) for line in EXPLANATION)


def arrived_column(rate_pps):
    return f"arrived at {rate_pps / 1e6:g} Mpps"


def steps(highest_pps):
    """A geometric row of rates."""
    rates = [LOWEST_PPS]
    while rates[-1] < highest_pps:
        rates.append(round(rates[-1] * STEP))
    return rates


def search(trial, highest_pps):
    """(packets sent a second, whatever else the trial says) of the highest rate that lost nothing; nothing: every rate did.
    `trial` takes a rate, and returns (sent a second, share that arrived, more)."""
    rates = steps(highest_pps)
    best, low, high = None, -1, len(rates)
    while high - low > 1:
        middle = (low + high) // 2
        sent_pps, arrived, more = trial(rates[middle])
        if arrived < 1:
            high = middle
            continue
        low, best = middle, (sent_pps, more)
        if sent_pps < OFFERED * rates[middle]:
            break  # CPU 0 cannot send more
    return best


def at_fixed_rates(trial, rates, least=OFFERED):
    """{column: percent}, of the rates of which at least that share could be offered."""
    found = {}
    for rate in rates:
        sent_pps, arrived, _ = trial(rate)
        if sent_pps >= least * rate:
            found[arrived_column(rate)] = 100 * arrived
    return found


def searched(trial, short):
    best = search(trial, LOWEST_PPS if short else HIGHEST_PPS)
    return {LOSS_FREE: best[0] / 1e6 if best else 0.0}


def fixed(trial, rates, short):
    """In a short run only the first, whatever was offered: the row counts something."""
    return at_fixed_rates(trial, rates[:1], 0) if short else at_fixed_rates(trial, rates)


class _Path:
    """Packets through a lab, and what counts them at its end."""

    def __init__(self, lab, meter):
        self._load, self._meter = loads.PacketLoad(lab), meter

    def trial(self, rate_pps):
        before = self._meter.read()[1]
        sent = self._load.send(WINDOW_S, rate_pps)
        time.sleep(DRAIN_S)
        counted = self._meter.read()[1] - before
        return sent["sent"] / sent["seconds"], min(1.0, counted / max(1, sent["sent"])), None

    def measure(self, short):
        return {**searched(self.trial, short), **fixed(self.trial, FIXED_PPS, short)}


def _row(name, what, path, times, beside=None):
    path.trial(LOWEST_PPS)  # what is slow only once
    return Row(name, what, lambda: path.measure(times.short), beside)


def _reader(times):
    lab = Lab("host")
    meter = loads.Meter(lab.fw, "sink", "eth0", "--by", "af-xdp")
    return _row("af-xdp-reader", "AF_XDP rx-drop, count only", _Path(lab, meter), times)


def _pfild(name, what, counter, times, **options):
    lab, daemon = guarded.with_pfild(direction="i", **options)
    guarded.receive_by_napi(lab)
    loads.Meter(lab.fw, "sink", "eth0", "--by", "tc-drop", "--pref", guarded.BEHIND)
    return _row(name, what, _Path(lab, loads.EngineMeter(daemon, counter)), times, "af-xdp-reader")


def rows(times):
    return [
        _reader(times),
        _pfild("xdp-drop-loss", "pfild XDP, userspace drop", "engine_dropped", times, mode="xdp", on_match="drop"),
        _pfild("xdp-pass-loss", "pfild XDP, userspace pass, back in the stack", "reentered", times, mode="xdp"),
        _pfild("tc-drop-loss", "pfild TC, userspace drop", "engine_dropped", times, on_match="drop"),
        _pfild("tc-pass-loss", "pfild TC, userspace pass, back in the stack", "reentered", times),
    ]
