# SPDX-License-Identifier: BSD-2-Clause
"""What a file must have (licence, include guard, an opening comment), what must not be in git, and which names say nothing."""
import re

import sources as source_tree

LICENCE = "SPDX-License-Identifier: BSD-2-Clause"
# BPF programs may have to be loadable as GPL too.
BPF_LICENCE = re.compile(r"SPDX-License-Identifier: (BSD-2-Clause|\(?GPL-2\.0(-only)? OR BSD-2-Clause\)?|BSD-2-Clause OR GPL-2\.0\S*)")
LICENSED = re.compile(r"\.(h|c|cpp|py|cmake|toml|service|sh)$|(^|/)CMakeLists\.txt$|^scripts/[^./]+$|^\.ci/run$|^\.clang-")
GENERATED = re.compile(r"\.(skel\.h|o|a|so|pyc|log)$|(^|/)(vmlinux\.h|compile_commands\.json|CMakeCache\.txt)$|^build/")
NAMELESS = re.compile(r"(^|/)(utils?|common|helpers?|types|misc|manager)(\.|/)|_(manager|helpers?|utils?)\.(h|cpp)$")
BINARY_PLACES = re.compile(r"^tests/(fuzz|data)/")
BPF_NAME = re.compile(r"^(?:int|long) (\w+)\(struct (?:__sk_buff|xdp_md)|^\} (\w+) SEC\(\"\.maps\"\)", re.MULTILINE)
BPF_NAME_LENGTH = 15  # the kernel keeps no more
README_FOLDERS = re.compile(r"^(bpf|bpfctl|capture|cbpf|config|control|core|daemon|describe|devbpf|disk|ebpf|filter|include|client|scripts|vagrant|tests|tests/harness)/")


def licence_violation(sources, path):
    head = "\n".join(sources.lines(path)[:3])
    right = BPF_LICENCE.search(head) if path.startswith(("bpf/", "include/")) else LICENCE in head
    return None if right else "no SPDX line in the first three lines"


def opening_comment_violation(sources, path):
    """A C or C++ file says what it is for right after its licence; for the .cpp of a pair its header says it."""
    if path.endswith(".cpp") and path[:-4] + ".h" in sources.files:
        return None
    for line in sources.lines(path):
        if "SPDX-License-Identifier" in line or line.strip() in ("", "/*"):
            continue
        return None if line.lstrip().startswith(("//", "/*", "*")) else "no opening comment that says what the file is for"
    return "empty"


def guard_violation(sources, path):
    if not path.endswith(".h"):
        return None
    text = sources.text(path)
    has_guard = "#pragma once" in text or re.search(r"^#ifndef (\w+)\n#define \1", text, re.MULTILINE)
    return None if has_guard else "no #pragma once"


def name_violations(path):
    if GENERATED.search(path):
        yield "generated files do not belong into git"
    if NAMELESS.search(path):
        yield "a name that says nothing; name the file after the one thing in it"


def bpf_name_violations(sources, path):
    for match in BPF_NAME.finditer(sources.text(path)) if path.startswith("bpf/") else ():
        name = match[1] or match[2]
        if len(name) > BPF_NAME_LENGTH:
            yield f"BPF name {name} has {len(name)} characters, more than {BPF_NAME_LENGTH}"


def file_violations(sources, path):
    yield from name_violations(path)
    if b"\0" in (sources.root / path).read_bytes() and not BINARY_PLACES.match(path):
        yield "binary"
        return
    if LICENSED.search(path):
        yield licence_violation(sources, path)
    if path.endswith(source_tree.CODE_SUFFIXES):
        yield guard_violation(sources, path)
        yield opening_comment_violation(sources, path)
        yield from bpf_name_violations(sources, path)


def readme_violations(sources):
    folders = {match[1] for match in map(README_FOLDERS.match, sources.files) if match}
    return [f"{folder}/README.md: missing" for folder in sorted(folders) if f"{folder}/README.md" not in sources.files]


def violations(sources):
    found = readme_violations(sources)
    for path in sources.files:
        found += [f"{path}:1: {wrong}" for wrong in file_violations(sources, path) if wrong]
    return found


if __name__ == "__main__":
    source_tree.main(violations)
