# SPDX-License-Identifier: BSD-2-Clause
"""The records of docs/proofs.md: what each proof of scripts/prove proves, what it found, on which commit it last ran, and what changed
since then. As a program: the list of them (scripts/prove --list), or what `scripts/prove -h` says of them (--help-text).

A record is a heading `## NAME` and a list of fields, each once, in any order; a line that begins with a space continues a field.
`Commit` is a commit of this history, or `none`: not run whole yet. `Folders` are folders and files, in backquotes."""
import argparse
import pathlib
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass

PAGE = "docs/proofs.md"
SCRIPT = "scripts/prove"
FIELDS = ("Proves", "Needs", "Short", "Folders", "Commit", "Figures")
FIELD = re.compile(r"- (\w+): *(.*)")
NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
COMMIT = re.compile(r"`([0-9a-f]{7,40})`$|none$")
BRANCH = re.compile(r"^([a-z0-9][a-z0-9.-]*)\)", re.MULTILINE)


@dataclass(frozen=True)
class Record:
    name: str
    line: int
    fields: dict

    @property
    def folders(self):
        return re.findall(r"`([^`]+)`", self.fields["Folders"])

    @property
    def commit(self):
        """None: not run whole yet."""
        return COMMIT.match(self.fields["Commit"])[1]


def records(text):
    """(records, "line: what is wrong" of those that are malformed)."""
    found, wrong = [], []
    for number, line in enumerate(text.splitlines(), 1):
        field = FIELD.match(line)
        if line.startswith("## "):
            found.append(Record(line[3:].strip(), number, {}))
        elif found and field and field[1] in found[-1].fields:
            wrong.append(f"{number}: {found[-1].name} has {field[1]} twice")
        elif found and field:
            found[-1].fields[field[1]] = field[2].strip()
        elif found and line.startswith(" ") and found[-1].fields:
            last = list(found[-1].fields)[-1]
            found[-1].fields[last] = f"{found[-1].fields[last]} {line.strip()}".strip()
        elif found and line.strip():
            wrong.append(f"{number}: neither a field (- {', '.join(FIELDS)}: ..) nor its next line, which begins with a space")
    return found, wrong + [one for record in found for one in faults(record)]


def faults(record):
    """What is wrong with a record by itself."""
    if not NAME.fullmatch(record.name):
        yield f"{record.line}: {record.name}: a proof's name has small letters, digits, dots and hyphens"
    for field in FIELDS:
        if not record.fields.get(field):
            yield f"{record.line}: {record.name} does not say - {field}: .."
    for field in record.fields.keys() - set(FIELDS):
        yield f"{record.line}: {record.name} has a field {field}; there are {', '.join(FIELDS)}"
    if record.fields.get("Commit") and not COMMIT.match(record.fields["Commit"]):
        yield f"{record.line}: {record.name}: Commit is a hash of 7 to 40 digits in backquotes, or none"
    if record.fields.get("Folders") and not record.folders:
        yield f"{record.line}: {record.name}: Folders are in backquotes"


def branches(text):
    """The proofs that scripts/prove knows."""
    return BRANCH.findall(text)


class History:
    """What git knows of a tree. Without git, or where the history is cut off, a commit may be one that is not there."""

    def __init__(self, root):
        self._root = root
        self.is_whole = (root / ".git").exists() and self._git("rev-parse", "--is-shallow-repository").stdout.strip() == "false"

    def _git(self, *arguments):
        # The clone may belong to the user who called sudo: git wants to be told that this is fine.
        command = ["git", "-c", "safe.directory=*", "-C", self._root, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def has(self, commit):
        return self._git("merge-base", "--is-ancestor", commit, "HEAD").returncode == 0

    def changed(self, commit, folders):
        """Of these folders, those that differ between a commit and what is committed now."""
        return [one for one in folders if self._git("diff", "--quiet", commit, "HEAD", "--", one).returncode == 1]


def state(record, history):
    """What is to be known of a proof's last run, in words; nothing if nothing that the proof looks at has changed since."""
    if record.commit is None:
        return "not run whole yet"
    if not history.has(record.commit):
        return f"last run on {record.commit}, which is not here"
    changed = history.changed(record.commit, record.folders)
    return f"last run on {record.commit}; changed since: {', '.join(changed)}" if changed else ""


def shown(record, history):
    """Lines of text. Without a history, what does not depend on it."""
    said = [f"{record.fields['Proves']} Needs: {record.fields['Needs']}"]
    if history:
        since = state(record, history) or f"last run on {record.commit}; nothing it names has changed since"
        said += [record.fields["Figures"], since]
    yield f"  {record.name}"
    for one in said:
        yield from textwrap.wrap(one, 100, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False)


def main():
    parser = argparse.ArgumentParser(prog="scripts/prove --list")
    parser.add_argument("--help-text", action="store_true")
    parser.add_argument("name", nargs="?", help="only this one")
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    found, wrong = records((root / PAGE).read_text(encoding="utf-8"))
    if wrong:
        sys.exit("\n".join(f"{PAGE}:{one}" for one in wrong))
    history = None if arguments.help_text else History(root)
    for record in found:
        if arguments.name in (None, record.name):
            print("\n".join(shown(record, history)))


if __name__ == "__main__":
    main()
