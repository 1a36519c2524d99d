# SPDX-License-Identifier: BSD-2-Clause
"""With which flags a file is compiled, by the compile database of a build folder."""
import json
import os
import shlex

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


def flags_near(entries, path):
    """The command of a source in the same folder or the nearest one above it; for headers."""
    folder = os.path.dirname(path)
    while folder:
        for name in sorted(entries):
            if name.startswith(folder + "/"):
                return entries[name]
        folder = os.path.dirname(folder)
    return entries[min(entries)]


def bpf_command(sources):
    multiarch = f"/usr/include/{os.uname().machine}-linux-gnu"
    return [*BPF_COMMAND, f"-I{sources.root}/bpf", f"-I{sources.root}/include", "-idirafter", multiarch]
