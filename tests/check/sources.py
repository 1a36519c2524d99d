# SPDX-License-Identifier: BSD-2-Clause
"""The files that the checks look at, and how a check reports.

A check is a program `check_NAME.py [--root DIR] [--build DIR]` with a function violations(sources) -> list of lines
"path:line: what is wrong". It prints them and ends with 1 if there are any. Its warnings, if it gives any, are printed before
and change nothing. self_test.py shows each check a bad tree.
"""
import argparse
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass

CODE_SUFFIXES = (".h", ".c", ".cpp")


@dataclass(frozen=True)
class Sources:
    root: pathlib.Path
    build: pathlib.Path  # a configured and built build folder
    files: tuple  # paths relative to root, as text, sorted

    def code(self):
        return [path for path in self.files if path.endswith(CODE_SUFFIXES)]

    def text(self, path):
        return (self.root / path).read_text(errors="replace")

    def lines(self, path):
        return self.text(path).splitlines()


def find(root, build=None):
    """Files that git knows or would add; without git (an unpacked archive) all outside build/."""
    root = pathlib.Path(root).resolve()
    # The clone may belong to the user who called sudo: git wants to be told that this is fine.
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0 and (root / ".git").exists():
        names = listing.stdout.decode().split("\0")
    else:
        names = [str(path.relative_to(root)) for path in root.rglob("*")]
        names = [name for name in names if not name.startswith(("build/", ".git/"))]
    files = tuple(sorted({name for name in names if name and (root / name).is_file()}))
    return Sources(root, pathlib.Path(build or root / "build/dev").resolve(), files)


def use_idle_time():
    """From here on this check runs when nothing else wants to: so it may run beside tests that measure time."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def main(violations, least_files=1, warnings=lambda sources: ()):
    """Runs a check from the command line. A check that found nothing to look at has failed too."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--build")
    arguments = parser.parse_args()
    sources = find(arguments.root, arguments.build)
    if len(sources.code()) < least_files:
        sys.exit(f"no sources found in {sources.root}")
    found = violations(sources)
    for line in [*warnings(sources), *found]:
        print(line)
    print(f"{len(found)} violations in {len(sources.code())} C and C++ files, {len(sources.files)} files in all")
    sys.exit(1 if found else 0)
