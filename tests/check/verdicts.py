# SPDX-License-Identifier: BSD-2-Clause
"""Remembers which files were clean, so that they are looked at again only when what the answer depends on has changed: the
command, the tool, the text of the file, that of the project's headers it includes (transitively), a .clang-tidy.

The memory is BUILD/verdicts, one empty file for each question that was answered with "clean". Nothing else is remembered.
"""
import hashlib
import os
import re
import shlex

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def files_behind(sources, paths):
    """The files and all files of the project that they include, directly or not."""
    known = set(sources.files)
    found, todo = set(), list(paths)
    while todo:
        current = todo.pop()
        if current in found:
            continue
        found.add(current)
        for name in INCLUDE.findall(sources.text(current)):
            beside = os.path.normpath(os.path.join(os.path.dirname(current), name))
            todo += [candidate for candidate in (name, "include/" + name, beside) if candidate in known]
    return sorted(found)


def question(sources, paths, command, tool):
    """What identifies the question whether `tool` (with its version) has nothing to say about these files."""
    digest = hashlib.sha256()
    for part in (tool, shlex.join(map(str, command))):
        digest.update(part.encode() + b"\0")
    configurations = [one for one in sources.files if one.endswith(".clang-tidy")]
    for one in configurations + files_behind(sources, paths):
        digest.update(one.encode() + b"\0" + (sources.root / one).read_bytes() + b"\0")
    return digest.hexdigest()


def complaints(sources, paths, command, tool, ask):
    """ask() -> list of complaints, unless the answer is known to be none."""
    mark = sources.build / "verdicts" / question(sources, paths, command, tool)
    if mark.exists():
        return []
    lines = ask()
    if not lines:
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
    return lines
