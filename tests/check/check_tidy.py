# SPDX-License-Identifier: BSD-2-Clause
"""clang-tidy (.clang-tidy, tests/.clang-tidy) has nothing to say about any C++ file of the compile database.

Most of its time goes into the headers of libraries, so files that are compiled alike are shown to it several at once.
"""
import concurrent.futures
import itertools
import os
import re
import shutil
import subprocess

import compile_flags
import sources as source_tree
import verdicts

TOGETHER = 16  # files
ONE_OF_ITS_KIND = re.compile(r"^(int main\(|extern \"C\" int LLVMFuzzerTestOneInput|BENCHMARK_MAIN)", re.MULTILINE)
# clang-tidy takes what is included for a header: .cpp files too here.
REPORTED = "/(bpfctl|capture|cbpf|client|config|core|control|daemon|describe|devbpf|disk|ebpf|filter|packaging|tests)/[^:]*\\.(h|cpp)$"


def batches(sources, entries):
    """Lists of files that one translation unit can hold: of one folder, compiled with one command, one main()."""

    def kind(path):
        folders = path.split("/")[: 2 if path.startswith("tests/") else 1]
        alone = path if ONE_OF_ITS_KIND.search(sources.text(path)) else ""
        return folders, list(map(str, entries[path])), alone

    for _, group in itertools.groupby(sorted(entries, key=kind), key=kind):
        alike = list(group)
        for start in range(0, len(alike), TOGETHER):
            yield alike[start : start + TOGETHER]


def scratch_folder(sources):
    """A folder in the build with the tree's .clang-tidy files in their places."""
    folder = sources.build / "tidy"
    for path in sources.files:
        if os.path.basename(path) == ".clang-tidy":
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sources.root / path, folder / path)
    return folder


def ask(sources, paths, command):
    """clang-tidy's errors about the files and the headers of the project they include, as lines."""
    together = scratch_folder(sources) / f"{paths[0]}.together.cpp"
    together.parent.mkdir(parents=True, exist_ok=True)
    together.write_text("".join(f'#include "{sources.root / path}"\n' for path in paths))
    done = subprocess.run(
        ["clang-tidy", "--quiet", f"--header-filter={REPORTED}", together, "--", *command[1:]],
        cwd=sources.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if len(paths) > 1 and "[clang-diagnostic-error" in done.stdout:  # names that clash, most likely
        half = len(paths) // 2
        return ask(sources, paths[:half], command) + ask(sources, paths[half:], command)
    found = re.findall(r"^(\S+?:\d+):\d+: (?:error|warning): (.*)$", done.stdout, re.MULTILINE)
    lines = [f"{place.removeprefix(str(sources.root) + '/')}: {text}" for place, text in found]
    ours = [line for line in lines if together.name not in line]  # there only that .cpp files are included
    if done.returncode != 0 and not lines:
        ours = [f"{paths[0]}:1: clang-tidy: {done.stderr.strip() or done.stdout.strip()}"]
    return ours


def violations(sources):
    entries = {path: command for path, command in compile_flags.database(sources).items() if path.endswith(".cpp")}
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout
    missing = [path for path in sources.code() if path.endswith(".cpp") and path not in entries]
    # Fuzzers are compiled by the fuzz preset only.
    found = [f"{path}:1: in no target of the build" for path in missing if not path.startswith("tests/fuzz/")]

    def judge(paths):
        command = entries[paths[0]]
        return verdicts.complaints(sources, paths, command, version, lambda: ask(sources, paths, command))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(judge, list(batches(sources, entries)))
        return found + sorted({line for lines in results for line in lines})


if __name__ == "__main__":
    source_tree.use_idle_time()
    source_tree.main(violations)
