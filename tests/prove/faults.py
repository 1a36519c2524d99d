# SPDX-License-Identifier: BSD-2-Clause
"""scripts/prove faults: for each commit whose trailers say `Cures: F6` and `Proof: tests/e2e/test_x.py::test_y`, builds its
parent with the commit's own tests/ laid over it, where the named tests must fail, and the commit, where they must pass.

Tests run in mode tc, and in mode xdp where tests/e2e/CMakeLists.txt runs their file in both. A fault may show in one mode only:
before the cure each test has to fail in one, after it to pass in all. What failed before is printed, so that a reader can tell
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
    tests_of: str  # the commit whose tests/ hold them


@dataclass
class Outcome:
    """What became of one named test, or of all cases of one, in one mode, on one commit."""

    passed: int = 0
    failed: int = 0
    broken: int = 0  # errors in set-up, skips
    words: str = ""  # of the first failure

    def add(self, case):
        ends = [end for end in case if end.tag in ("failure", "error", "skipped")]
        self.failed += any(end.tag == "failure" for end in ends)
        self.broken += any(end.tag != "failure" for end in ends)
        self.passed += not ends
        self.words = self.words or next((end.get("message", "").splitlines()[0] for end in ends if end.get("message")), "")

    @property
    def result(self):
        if self.broken or not (self.passed or self.failed):
            return "cannot run"
        return "fails" if self.failed else "passes"


def git(*words, cwd=ROOT):
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True).stdout


def trailers():
    """(commit, values by trailer) of every commit, oldest first."""
    names = ("Cures", "Proof", "Amends", "Tests-of")
    fields = "%x1f".join(f"%(trailers:key={name},valueonly,separator=%x0a)" for name in names)
    for entry in git("log", "--reverse", f"--format=%H%x1f{fields}%x1e").split("\x1e"):
        commit, *values = entry.strip("\n").split("\x1f")
        if commit:
            yield commit, {name: tuple(value.split("\n")) if value else () for name, value in zip(names, values)}


def cures(wanted):
    """Oldest first. A later commit with `Amends: COMMIT` says anew what it names: which tests are the proof, which faults that
    commit has cured, and with `Tests-of: COMMIT`, whose tests/ hold the tests."""
    found = {}
    before = []
    for commit, said in trailers():
        before.append(commit)
        full = lambda short: next(other for other in before if other.startswith(short))  # noqa: E731, B023
        faults = tuple(re.findall(r"F\d+", " ".join(said["Cures"])))
        for short in said["Amends"]:
            cured = full(short)
            old = found.get(cured, Cure(cured, (), (), cured))
            tests_of = full(said["Tests-of"][0]) if said["Tests-of"] else old.tests_of
            found[cured] = Cure(cured, faults or old.faults, said["Proof"] or old.tests, tests_of)
        if faults and not said["Amends"]:
            found[commit] = Cure(commit, faults, said["Proof"], commit)
    return [cure for cure in found.values() if not wanted or set(wanted) & set(cure.faults)]


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
    """{test: Outcome}"""
    environment = {**os.environ, "PFILD_BIN_DIR": str(TREE / "build/dev"), "PFILD_TEST_MODE": mode}
    environment.pop("PFILD_BPFCTL", None)
    outcomes = {test: Outcome() for test in tests}
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = ["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report.name}", *tests]
        try:
            subprocess.run(command, cwd=TREE, env=environment, capture_output=True, text=True, timeout=SECONDS_A_FILE)
            cases = list(ElementTree.parse(report.name).getroot().iter("testcase"))
        except (subprocess.TimeoutExpired, ElementTree.ParseError) as error:
            return {test: Outcome(broken=1, words=str(error)) for test in tests}
        for test, outcome in outcomes.items():
            file, _, name = test.partition("::")
            for case in cases:
                case_file, case_name = case.get("classname").split(".")[-1], case.get("name")
                if case_file == pathlib.Path(file).stem and name in (case_name, case_name.split("[")[0]):
                    outcome.add(case)
    return outcomes


def modes_of(tests, commit):
    """tc, and xdp if the CMakeLists of that commit run one of the files in both."""
    listed = re.search(r"set\(in_xdp_too([^)]*)\)", git("show", f"{commit}:tests/e2e/CMakeLists.txt"))
    both = listed and any(pathlib.Path(test.split("::")[0]).stem in listed[1].split() for test in tests)
    return ("auto", "xdp") if both else ("auto",)


def outcomes_at(commit, cure):
    """{mode: {test: Outcome}}"""
    place(commit, cure.tests_of)
    said = build()
    if said is not None:
        print(f"  {commit[:9]} does not build: {said}")
        return {mode: {test: Outcome(broken=1) for test in cure.tests} for mode in modes_of(cure.tests, cure.tests_of)}
    return {mode: run_tests(cure.tests, mode) for mode in modes_of(cure.tests, cure.tests_of)}


def show(test, before, after):
    """A row of a table; whether the test shows the cure."""
    print(f"  {test}")
    for when, outcomes in (("before", before), ("after", after)):
        print(f"      {when:7}", ", ".join(f"{'tc' if mode == 'auto' else mode} {of[test].result}" for mode, of in outcomes.items()))
    for when, outcomes, expected in (("before", before, "fails"), ("after", after, "passes")):
        said = next((of[test].words for of in outcomes.values() if of[test].words), "")
        if said and (expected == "fails" or any(of[test].result != expected for of in outcomes.values())):
            print(f"      {when}: {said[:140]}")
    failed = any(of[test].result == "fails" for of in before.values())
    return failed and all(of[test].result == "passes" for of in after.values())


def prove(cure):
    """Whether it is proved; prints a table of it."""
    started = time.monotonic()
    print(f"\n{', '.join(cure.faults)}: {git('log', '-1', '--format=%h %s', cure.commit).strip()}", flush=True)
    if not cure.tests:
        print("  no Proof: in its message")
        return False
    before = outcomes_at(git("rev-parse", f"{cure.commit}^").strip(), cure)
    after = outcomes_at(cure.commit, cure)
    good = all([show(test, before, after) for test in cure.tests])
    print(f"  {'proved' if good else 'NOT PROVED'}, {time.monotonic() - started:.0f} s", flush=True)
    return good


def remove_tree():
    subprocess.run(["git", "worktree", "remove", "--force", str(TREE)], cwd=ROOT, capture_output=True)
    shutil.rmtree(TREE, ignore_errors=True)
    git("worktree", "prune")


def main():
    summary = "Each cure of a fault: its test fails on the commit before and passes on it."
    parser = argparse.ArgumentParser(prog="scripts/prove faults", description=summary)
    parser.add_argument("faults", nargs="*", metavar="F6", help="only these")
    parser.add_argument("--list", action="store_true", help="says what would be proved, and by which tests")
    wanted = parser.parse_args()
    found = cures(wanted.faults)
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
