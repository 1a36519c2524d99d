# SPDX-License-Identifier: BSD-2-Clause
"""scripts/prove cbpf after the build: the pairs of every judge in shards, one process each, over the processors; then the verdict.

A shard is a run of prove_cbpf over seeds of its own, so that all of it is the same for the same --seed, however many processors
there are. Exit codes: 0 no difference, 1 a difference or something never run, 77 a judge is missing here.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field

PAIRS = {"native": 100_000_000, "libpcap": 1_000_000, "kernel": 1_000_000}
TITLES = {
    "native": "native code: one call, batch, set, without passes",
    "libpcap": "libpcap's bpf_filter()",
    "kernel": "the kernel, SO_ATTACH_FILTER",
}
SHARD_PAIRS = 2_000_000
SEEDS_OF_A_PAIR = 1 / 12  # a program has 16 packets; some are not compared
EXIT_SKIPPED = 77


@dataclass(frozen=True)
class Shard:
    judge: str
    pairs: int
    seed: int

    def start(self, program):
        words = [program, "--judge", self.judge, "--pairs", str(self.pairs), "--seed", str(self.seed)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(19))


@dataclass
class Sum:
    """What the shards of a judge came to."""

    pairs: int = 0
    apart: int = 0
    programs: int = 0
    seconds: float = 0.0
    reached: dict = field(default_factory=dict)
    differences: list = field(default_factory=list)

    def add(self, found):
        self.pairs += found["pairs"]
        self.apart += found["apart"]
        self.programs += found["programs"]
        self.seconds += found["seconds"]
        for name, count in found["reached"].items():
            self.reached[name] = self.reached.get(name, 0) + count
        if found["difference"]:
            self.differences.append(found["difference"])

    def missing(self):
        return [name for name, count in self.reached.items() if count == 0]

    def least(self, group):
        return min((count, name[len(group) + 1 :]) for name, count in self.reached.items() if name.startswith(group + " "))


def parse():
    parser = argparse.ArgumentParser(prog="scripts/prove cbpf")
    parser.add_argument("--judge", choices=PAIRS)
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", metavar="FILE")
    arguments = parser.parse_args()
    if min(arguments.jobs, arguments.seed, arguments.pairs or 1) < 1:
        parser.error("--pairs, --seed and --jobs are numbers from 1 on")
    return arguments


def shards_of(judge, pairs, seed):
    while pairs > 0:
        one = min(pairs, SHARD_PAIRS)
        yield Shard(judge, one, seed)
        pairs -= one
        seed += int(one * SEEDS_OF_A_PAIR) + 1


def progress(sums, wanted):
    if sys.stderr.isatty():
        done = ", ".join(f"{judge} {found.pairs:,} of {wanted[judge]:,}" for judge, found in sums.items())
        print(f"\r\033[K  {done}", end="", file=sys.stderr, flush=True)


class Failed(Exception):
    """A shard ended without a report."""


def note(shard, process, sums):
    """Takes what an ended shard printed; false if it found something wrong."""
    text = process.stdout.read()
    if process.returncode == EXIT_SKIPPED:
        raise Failed(f"{shard.judge} cannot judge on this machine")
    if not text:
        raise Failed(f"the shard of {shard.judge} from seed {shard.seed} on ended with {process.returncode} and no report")
    found = json.loads(text)
    sums[shard.judge].add(found)
    return found["difference"] is None


def run(shards, program, jobs, sums, wanted):
    """Until all are done, or one found a difference."""
    waiting, running = list(reversed(shards)), []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                shard = waiting.pop()
                running.append((shard, shard.start(program)))
            time.sleep(0.05)
            ended = [pair for pair in running if pair[1].poll() is not None]
            for pair in ended:
                running.remove(pair)
                if not note(*pair, sums):
                    return
                progress(sums, wanted)
    finally:
        for _, process in running:
            process.terminate()
            process.wait()
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)


def table(sums):
    yield f"  {'the interpreter beside':<52}{'pairs':>13}{'programs':>12}{'set apart':>12}{'CPU s':>8}  differences"
    for judge, found in sums.items():
        numbers = f"{found.pairs:>13,}{found.programs:>12,}{found.apart:>12,}{found.seconds:>8.0f}"
        yield f"  {TITLES[judge]:<52}{numbers}  {len(found.differences) or 'none'}"
    yield ""
    yield "  Least often run, of what there is to run:"
    for judge, found in sums.items():
        groups = (found.least(group) for group in ("opcode", "jump", "end"))
        yield f"  {judge:<8}" + "; ".join(f"{name}: {count:,} times" for count, name in groups)


def verdict(sums):
    wrong = False
    for judge, found in sums.items():
        for difference in found.differences:
            print(f"\nDIFFERENCE, {judge}: {difference}")
        if found.missing() and not found.differences:
            print(f"\nNEVER RUN, {judge}: {', '.join(found.missing())}")
        wrong = wrong or found.differences or found.missing()
    print("\nverdict: " + ("NOT PROVED" if wrong else "no difference, and everything was run"))
    return 1 if wrong else 0


def main():
    arguments = parse()
    judges = [arguments.judge] if arguments.judge else list(PAIRS)
    wanted = {judge: arguments.pairs or PAIRS[judge] for judge in judges}
    sums = {judge: Sum() for judge in judges}
    shards = [shard for judge in judges for shard in shards_of(judge, wanted[judge], arguments.seed)]
    program = os.path.join(os.environ["PFILD_BIN_DIR"], "tests", "oracle", "proof", "prove_cbpf")
    print(f"pfild prove: seed {arguments.seed}, {len(shards)} shards, {arguments.jobs} at once", flush=True)
    try:
        run(shards, program, arguments.jobs, sums, wanted)
    except Failed as error:
        print(f"prove: {error}", file=sys.stderr)
        return EXIT_SKIPPED if "cannot judge" in str(error) else 1
    print("\n".join(table(sums)))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({judge: found.__dict__ for judge, found in sums.items()}, file, indent=2)
    return verdict(sums)


if __name__ == "__main__":
    sys.exit(main())
