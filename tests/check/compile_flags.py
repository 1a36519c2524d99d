# SPDX-License-Identifier: BSD-2-Clause
"""With which flags a file is compiled, by the compile database of a build folder."""
import json
import os
import pathlib
import re
import shlex

import verdicts

UNITY_INCLUDE = re.compile(r'^#include "(/.+)"$', re.MULTILINE)
BPF_COMMAND = ["clang", "-target", "bpf", "-mcpu=v3", "-g", "-O2", "-std=gnu11", "-Wall", "-Wextra"]


def units(sources):
    """What the build compiles at once: (files of the project, compiler and flags without input and output)."""
    path = sources.build / "compile_commands.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing: configure the build first (cmake --preset dev)")
    for entry in json.loads(path.read_text()):
        compiled = pathlib.Path(entry["directory"], entry["file"])
        # Of several sources CMake makes one that includes them (PFILD_UNITY).
        parts = UNITY_INCLUDE.findall(compiled.read_text()) if compiled.parent.name == "Unity" else [compiled]
        names = [os.path.relpath(part, sources.root) for part in parts]
        yield [name for name in names if name in sources.files], _without_files(shlex.split(entry["command"]))


def database(sources):
    """The files of the project that the build compiles: path -> (compiler, flags without input and output)."""
    return {name: command for names, command in units(sources) for name in names}


def _without_files(words):
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-c", "-MF", "-MT"):
            skip = True
        elif word != "-MD":
            kept.append(word)
    return kept


def commands_of_headers(sources, entries):
    """header -> the command of a source that includes it; no entry for a header that no source includes."""
    commands = {}
    for name in sorted(entries):
        for behind in verdicts.files_behind(sources, [name]):
            commands.setdefault(behind, entries[name])
    return commands


def bpf_command(sources):
    multiarch = f"/usr/include/{os.uname().machine}-linux-gnu"
    return [*BPF_COMMAND, f"-I{sources.root}/bpf", f"-I{sources.root}/include", "-idirafter", multiarch]
