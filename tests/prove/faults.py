# SPDX-License-Identifier: BSD-2-Clause
"""scripts/prove faults: for each commit whose trailers say `Cures: F6` and `Proof: tests/e2e/test_x.py::test_y`, builds its
parent with the commit's own tests/ laid over it, where the named tests must fail, and the commit, where they must pass.

Tests run in mode tc, and in mode xdp where tests/e2e/CMakeLists.txt runs their file in both. A fault may show in one mode only:
before the cure one mode has to fail, after it all have to pass. What failed before is printed, so that a reader can tell
whether it failed for the right reason. Everything happens in build/prove-faults, a worktree that goes when it is over.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
TREE = ROOT / "build" / "prove-faults"
TARGETS = ("pfild", "bpfctl", "tests/harness/all")
SECONDS_A_FILE = 900


@dataclass(frozen=True)
class Cure:
    commit: str
    faults: tuple
    tests: tuple


@dataclass(frozen=True)
class Run:
    """What became of the tests of a cure, in one mode, on one commit."""

    passed: int
    failed: int
    broken: int  # errors in set-up, skips, tests that do not exist
    words: str  # of the first failure

    @property
    def result(self):
        if self.broken or not (self.passed or self.failed):
            return "cannot run"
        return "fails" if self.failed else "passes"


def git(*words, cwd=ROOT):
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True).stdout


def cures(wanted):
    """Oldest first."""
    form = "%H%x1f%(trailers:key=Cures,valueonly,separator=%x2c)%x1f%(trailers:key=Proof,valueonly,separator=%x0a)%x1e"
    for entry in git("log", "--reverse", f"--format={form}").split("\x1e"):
        commit, _, rest = entry.strip().partition("\x1f")
        faults, _, proofs = rest.partition("\x1f")
        cured = tuple(re.findall(r"F\d+", faults))
        if cured and (not wanted or set(wanted) & set(cured)):
            yield Cure(commit, cured, tuple(line.strip() for line in proofs.splitlines() if line.strip()))


def place(commit, tests_of):
    """The worktree at a commit, with the tests/ of another."""
    if not TREE.exists():
        git("worktree", "add", "--quiet", "--detach", str(TREE), commit)
    git("checkout", "--quiet", "--force", "--detach", commit, cwd=TREE)
    git("clean", "--quiet", "--force", "-d", "--exclude=build", cwd=TREE)
    if tests_of != commit:
        shutil.rmtree(TREE / "tests")
        git("checkout", "--quiet", tests_of, "--", "tests", cwd=TREE)


def build():
    """What the build says if it fails; nothing if all is well."""
    for command in (["cmake", "--preset", "dev"], ["cmake", "--build", "build/dev", "--target", *TARGETS]):
        done = subprocess.run(command, cwd=TREE, capture_output=True, text=True)
        if done.returncode != 0:
            return (done.stdout + done.stderr)[-3000:]
    return None


def run_tests(tests, mode):
    environment = {**os.environ, "PFILD_BIN_DIR": str(TREE / "build/dev"), "PFILD_TEST_MODE": mode}
    environment.pop("PFILD_BPFCTL", None)
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = ["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report.name}", *tests]
        try:
            subprocess.run(command, cwd=TREE, env=environment, capture_output=True, text=True, timeout=SECONDS_A_FILE)
            cases = ElementTree.parse(report.name).getroot().iter("testcase")
        except (subprocess.TimeoutExpired, ElementTree.ParseError) as error:
            return Run(0, 0, 1, str(error))
        passed = failed = broken = 0
        words = ""
        for case in cases:
            ends = [end for end in case if end.tag in ("failure", "error", "skipped")]
            failed += any(end.tag == "failure" for end in ends)
            broken += any(end.tag != "failure" for end in ends)
            passed += not ends
            words = words or next((end.get("message", "").splitlines()[0] for end in ends if end.get("message")), "")
        return Run(passed, failed, broken, words)


def modes_of(tests, commit):
    """tc, and xdp if the CMakeLists of that commit run one of the files in both."""
    listed = re.search(r"set\(in_xdp_too([^)]*)\)", git("show", f"{commit}:tests/e2e/CMakeLists.txt"))
    both = listed and any(pathlib.Path(test.split("::")[0]).stem in listed[1].split() for test in tests)
    return ("auto", "xdp") if both else ("auto",)


def runs_at(commit, cure):
    place(commit, cure.commit)
    said = build()
    if said is not None:
        return {mode: Run(0, 0, 1, "it does not build: " + said) for mode in modes_of(cure.tests, cure.commit)}
    return {mode: run_tests(cure.tests, mode) for mode in modes_of(cure.tests, cure.commit)}


def prove(cure):
    """Whether it is proved; prints a table of it."""
    started = time.monotonic()
    print(f"\n{', '.join(cure.faults)}: {git('log', '-1', '--format=%h %s', cure.commit).strip()}", flush=True)
    if not cure.tests:
        print("  no Proof: in its message")
        return False
    for test in cure.tests:
        print(f"  {test}")
    before = runs_at(git("rev-parse", f"{cure.commit}^").strip(), cure)
    after = runs_at(cure.commit, cure)
    for mode, now in after.items():
        print(f"  mode {'tc ' if mode == 'auto' else mode}  before: {before[mode].result:10}  after: {now.result}")
        if before[mode].words:
            print(f"            before: {before[mode].words[:140]}")
        if now.result != "passes":
            print(f"            after: {now.words[:140]}")
    good = any(one.result == "fails" for one in before.values()) and all(one.result == "passes" for one in after.values())
    good = good and all(one.result != "cannot run" for one in before.values())
    print(f"  {'proved' if good else 'NOT PROVED'}, {time.monotonic() - started:.0f} s", flush=True)
    return good


def remove_tree():
    subprocess.run(["git", "worktree", "remove", "--force", str(TREE)], cwd=ROOT, capture_output=True)
    shutil.rmtree(TREE, ignore_errors=True)
    git("worktree", "prune")


def main():
    parser = argparse.ArgumentParser(prog="scripts/prove faults", description="Each cure of a fault: its test fails before it and passes on it.")
    parser.add_argument("faults", nargs="*", metavar="F6", help="only these")
    parser.add_argument("--list", action="store_true", help="says what would be proved, and by which tests")
    wanted = parser.parse_args()
    found = list(cures(wanted.faults))
    missing = set(wanted.faults) - {fault for cure in found for fault in cure.faults}
    if missing or not found:
        print(f"prove: no commit here says that it cures {', '.join(sorted(missing)) or 'a fault'}", file=sys.stderr)
        return 1
    if wanted.list:
        for cure in found:
            print(cure.commit[:9], ",".join(cure.faults), *cure.tests)
        return 0
    if os.geteuid() != 0:
        print("prove: network namespaces need root", file=sys.stderr)
        return 1
    remove_tree()
    try:
        results = [prove(cure) for cure in found]
    finally:
        remove_tree()
    print(f"\n{sum(results)} of {len(results)} cures proved, on {git('log', '-1', '--format=%h').strip()}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
