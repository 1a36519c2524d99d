# SPDX-License-Identifier: BSD-2-Clause
"""clang-tidy (.clang-tidy) has nothing to say about any C++ file of the compile database.

A file that was clean is not looked at again until something that its answer depends on changes: its text, the headers of
the project that it includes (transitively), its command, .clang-tidy or clang-tidy itself. The answers are in BUILD/tidy-cache.
"""
import concurrent.futures
import hashlib
import os
import re
import shlex
import subprocess

import compile_flags
import sources as source_tree

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def project_files_behind(sources, path):
    """The file and all files of the project that it includes, directly or not."""
    known = set(sources.files)
    found, todo = set(), [path]
    while todo:
        current = todo.pop()
        if current in found:
            continue
        found.add(current)
        for name in INCLUDE.findall(sources.text(current)):
            beside = os.path.normpath(os.path.join(os.path.dirname(current), name))
            todo += [candidate for candidate in (name, "include/" + name, beside) if candidate in known]
    return sorted(found)


def key(sources, path, command, version):
    digest = hashlib.sha256()
    for part in (version, shlex.join(command), sources.text(".clang-tidy")):
        digest.update(part.encode() + b"\0")
    for one in project_files_behind(sources, path):
        digest.update(one.encode() + b"\0" + (sources.root / one).read_bytes() + b"\0")
    return digest.hexdigest()


def complaints(sources, path):
    """clang-tidy's errors about the file and the headers of the project it includes, as lines."""
    done = subprocess.run(
        ["clang-tidy", "-p", sources.build, "--quiet", path], cwd=sources.root, capture_output=True, text=True, check=False
    )
    found = re.findall(r"^(\S+?:\d+):\d+: (?:error|warning): (.*)$", done.stdout, re.MULTILINE)
    lines = [f"{place.removeprefix(str(sources.root) + '/')}: {text}" for place, text in found]
    if done.returncode != 0 and not lines:
        lines = [f"{path}:1: clang-tidy: {done.stderr.strip() or done.stdout.strip()}"]
    return lines


def judge(sources, path, command, version):
    mark = sources.build / "tidy-cache" / key(sources, path, command, version)
    if mark.exists():
        return []
    lines = complaints(sources, path)
    if not lines:
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
    return lines


def violations(sources):
    entries = {path: command for path, command in compile_flags.database(sources).items() if path.endswith(".cpp")}
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout
    missing = [path for path in sources.code() if path.endswith(".cpp") and path not in entries]
    # Fuzzers are compiled by the fuzz preset only.
    found = [f"{path}:1: in no target of the build" for path in missing if not path.startswith("tests/fuzz/")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: judge(sources, path, entries[path], version), sorted(entries))
        return found + sorted({line for lines in results for line in lines})


if __name__ == "__main__":
    source_tree.main(violations)
