# SPDX-License-Identifier: BSD-2-Clause
"""With which flags a file is compiled, by the compile database of a build folder."""
import json
import os
import shlex

import verdicts

BPF_COMMAND = ["clang", "-target", "bpf", "-mcpu=v3", "-g", "-O2", "-std=gnu11", "-Wall", "-Wextra"]


def database(sources):
    """The entries for files of the project: path -> (compiler, flags without input and output)."""
    path = sources.build / "compile_commands.json"
    if not path.exists():
        raise SystemExit(f"{path} is missing: configure the build first (cmake --preset dev)")
    entries = {}
    for entry in json.loads(path.read_text()):
        name = os.path.relpath(os.path.join(entry["directory"], entry["file"]), sources.root)
        words = shlex.split(entry["command"])
        if name in sources.files:
            entries[name] = _without_files(words)
    return entries


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
