# SPDX-License-Identifier: BSD-2-Clause
"""Subjects of commits have at most 72 characters (docs/style.md), from the commit START on. Without git there is nothing to look at;
where the history is cut off behind START, only the newest commit is looked at."""
import subprocess

import sources as source_tree

START = "73394088951d55208639833cf65dc57652fba387"  # older ones have 50 that are longer, the last of them this one
LONGEST = 72


def git(sources, *arguments):
    # The clone may belong to the user who called sudo: git wants to be told that this is fine.
    command = ["git", "-c", "safe.directory=*", "-C", sources.root, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def subjects(sources, start):
    """(hash, subject) of each commit behind `start` that is no merge; of the newest alone where `start` is not known."""
    known = git(sources, "merge-base", "--is-ancestor", start, "HEAD").returncode == 0
    commits = [f"{start}..HEAD"] if known else ["-1", "HEAD"]
    listing = git(sources, "log", "--no-merges", "--format=%h %s", *commits)
    if listing.returncode != 0:
        raise RuntimeError(listing.stderr)
    return [line.split(" ", 1) for line in listing.stdout.splitlines()]


def violations(sources, start=START):
    if not (sources.root / ".git").exists():
        return []
    found = [(commit, subject, len(subject)) for commit, subject in subjects(sources, start) if len(subject) > LONGEST]
    return [f"{commit}: the subject has {length} characters, more than {LONGEST}: {subject}" for commit, subject, length in found]


if __name__ == "__main__":
    source_tree.main(violations)
