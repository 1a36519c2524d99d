# SPDX-License-Identifier: BSD-2-Clause
"""Classic BPF in userspace and in the kernel: what a filter costs a packet, by each who can run it. bench_cbpf measures, once a
round and all systems interleaved; here its figures become rows."""
import json
import math
import statistics
import subprocess
import tempfile

from . import loads
from .rounds import Row

NAME = "cbpf"
TITLE = "Classic BPF, nanoseconds a packet"
EXPLANATION = (
    "32 frames, hot in the cache; medians of the rounds, and how many times faster than libpcap's bpf_filter(). `call` is a program",
    "that returns at once. kernel: the eBPF that the kernel's converter emits, compiled by its JIT, in BPF_PROG_TEST_RUN, one frame",
    "at a time, less the same of a program that does nothing: so without the call, which `native` has in it, and every branch foreseen.",
)
FILTERS = {
    "ip": "ip",
    "dst-port": "tcp dst port 443",
    "host-and-port": "host 192.0.2.7 and port 443",
    "30-hosts": "host 192.0.2.1 or .. or host 192.0.2.30",
    "syn": "tcp[tcpflags] & tcp-syn != 0",
    "ip6": "ip6 host 2001:db8::7 and tcp port 443",
}
SYSTEMS = ("libpcap", "interpreter", "native", "batch", "kernel")
OTHERS = {
    "call/native": "call: a program that returns at once",
    "set/interpreter": "all six as a set, a program and packet: interpreter",
    "set/native": "all six as a set, a program and packet: native",
    "compile/30": "compiling 30 instructions",
}
COLUMNS = ("ns",)
REFERENCES = ()
GUARDED = False


class _Rounds:
    """Runs bench_cbpf when a row asks for the figure of a round that has not been measured yet."""

    def __init__(self, seconds_a_row):
        self._seconds = seconds_a_row
        self._found, self._taken = {}, set()

    def take(self, name):
        if not self._found or name in self._taken:
            self._found, self._taken = self._run(), set()
        self._taken.add(name)
        return {"ns": self._found.get(name, math.nan)}

    def _run(self):
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            words = ["--benchmark_repetitions=1", f"--benchmark_min_time={self._seconds}", "--benchmark_out_format=json"]
            command = [loads.program("cbpf"), f"--benchmark_out={file.name}", *words]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
            if done.returncode != 0:
                raise RuntimeError(f"bench_cbpf: {done.stderr.strip()}")
            return {run["run_name"].removesuffix("/manual_time"): run["seconds"] * 1e9 for run in json.load(file)["benchmarks"]}


def rows(times):
    found = _Rounds(times.window_s / 10)
    names = {f"{name}/{system}": f"{text}: {system}" for name, text in FILTERS.items() for system in SYSTEMS}
    return [Row(name, what, lambda name=name: found.take(name)) for name, what in {**names, **OTHERS}.items()]


def table(rows_measured, lines):
    """A line a filter, the geometric mean, then what is no filter. `lines` aligns."""
    by_name = {row.name: row for row in rows_measured}
    body = []
    for name, text in FILTERS.items():
        reference, *others = (by_name[f"{name}/{system}"].median("ns") for system in SYSTEMS)
        body.append([text, f"{reference:.2f}", *(cell for ns in others for cell in (f"{ns:.2f}", f"x{reference / ns:.2f}"))])
    means = [cell for system in SYSTEMS[1:] for cell in ("", f"x{geometric_mean(by_name, system):.2f}")]
    body.append(["geometric mean", "", *means])
    columns = ["filter", "libpcap"] + [cell for system in SYSTEMS[1:] for cell in (system, "")]
    yield from lines(columns, body)
    yield ""
    for name, text in OTHERS.items():
        yield f"  {text}: {by_name[name].median('ns'):,.2f} ns ({by_name[name].low('ns'):,.2f} to {by_name[name].high('ns'):,.2f})"
    spreads = sorted((row.spread("ns"), row.what) for row in rows_measured)
    middle = spreads[len(spreads) // 2][0]
    yield f"  between the rounds a row varied by {middle:.0%} (median of the rows), at most by {spreads[-1][0]:.0%} ({spreads[-1][1]})"


def geometric_mean(by_name, system):
    """How many times faster than libpcap, over the filters; from the ratios within the rounds."""
    ratios = [by_name[f"{name}/libpcap"].against(by_name[f"{name}/{system}"], "ns") for name in FILTERS]
    return math.exp(statistics.mean(math.log(ratio) for ratio in ratios)) if all(ratios) else math.nan
