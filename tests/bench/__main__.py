# SPDX-License-Identifier: BSD-2-Clause
"""scripts/bench after the build: labs, rounds, tables. `python3 -B -m bench` in tests/, with PFILD_BIN_DIR set.

Exit codes: 0 measured, also when the machine was too busy to compare; 1 something did not work; 77 it cannot run here.
"""
import argparse
import json
import os
import pathlib
import signal
import sys

from harness import cleanup, lab

from . import capture, cbpf, latency, loads, loss, new_flows, packet_rates, references, report, tcp_stream
from .rounds import Times, measure

SECTIONS = (packet_rates, loss, new_flows, tcp_stream, latency, capture, cbpf)
EXIT_SKIPPED = 77
SMOKE = {"rounds": 1, "warm_up_s": 0.05, "window_s": 0.1, "samples": 100, "short": True}


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--rounds", type=int, choices=range(1, 101), metavar="N", default=Times.rounds)
    parser.add_argument("--only", choices=[section.NAME for section in SECTIONS])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--against", metavar="FILE", help="which rows differ from an earlier run's --json")
    parser.add_argument("--smoke", action="store_true", help="short: does every row count something?")
    return parser.parse_args()


def cannot_run():
    if os.geteuid() != 0:
        return "network namespaces and BPF need root"
    if not {loads.LOAD_CPU, loads.ENGINE_CPU} <= os.sched_getaffinity(0):
        return "it needs CPU 0 for the load and CPU 1 for the engine"
    return None


def progress(number, row):
    if sys.stderr.isatty():
        print(f"\r\033[K  round {number + 1}: {row.what}", end="", file=sys.stderr, flush=True)


def run(section, times):
    """Measures a section: its rows, and those of the references if they are not among them (a short run is not judged). Its labs are
    gone afterwards."""
    rows = section.rows(times)
    guards = references.rows(times) if section.GUARDED and not times.short and not references.are_in(rows) else []
    measure([*guards, *rows], times.rounds, progress)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    cleanup.run_all()
    return rows, guards


def bench(arguments):
    times = Times(**SMOKE) if arguments.smoke else Times(rounds=arguments.rounds)
    before = json.loads(pathlib.Path(arguments.against).read_text(encoding="utf-8")) if arguments.against else None
    about = report.machine()
    print(report.header(about, times), flush=True)
    found, silent = {**about, "rounds": times.rounds}, []
    for section in SECTIONS:
        if arguments.only not in (None, section.NAME):
            continue
        rows, guards = run(section, times)
        print(report.section_text(section, rows, guards), flush=True)
        found[section.NAME] = report.section_json(section, rows, guards)
        silent += [row.what for row in [*guards, *rows] if not row.counted()]
    if before:
        print("\nAgainst the other run", *report.agreement(found, before, SECTIONS), sep="\n", flush=True)
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(found, indent=2), encoding="utf-8")
    for what in silent:
        print(f"bench: {what}: a round counted nothing", file=sys.stderr)
    return 1 if silent else 0


def end_once_by_signals():
    """The first signal ends the bench; the clean-up that follows is not disturbed by a second one."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(number, _frame):
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in numbers:
        signal.signal(number, end)


def main():
    arguments = parse()
    reason = cannot_run()
    if reason:
        print(f"bench: {reason}", file=sys.stderr)
        return EXIT_SKIPPED
    cleanup.install()
    end_once_by_signals()
    lab.remove_abandoned()
    os.sched_setaffinity(0, {loads.ENGINE_CPU})
    try:
        return bench(arguments)
    except (AssertionError, OSError, RuntimeError, ValueError) as error:  # what the harness and the loads say
        print(f"bench: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
