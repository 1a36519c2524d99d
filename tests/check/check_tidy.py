# SPDX-License-Identifier: BSD-2-Clause
"""clang-tidy (.clang-tidy, tests/.clang-tidy) has nothing to say about any C++ file of the compile database."""
import concurrent.futures
import os
import re
import subprocess

import compile_flags
import sources as source_tree
import verdicts


def ask(sources, path):
    """clang-tidy's errors about the file and the headers of the project it includes, as lines."""
    done = subprocess.run(
        ["clang-tidy", "-p", sources.build, "--quiet", path], cwd=sources.root, capture_output=True, text=True, check=False
    )
    found = re.findall(r"^(\S+?:\d+):\d+: (?:error|warning): (.*)$", done.stdout, re.MULTILINE)
    lines = [f"{place.removeprefix(str(sources.root) + '/')}: {text}" for place, text in found]
    if done.returncode != 0 and not lines:
        lines = [f"{path}:1: clang-tidy: {done.stderr.strip() or done.stdout.strip()}"]
    return lines


def violations(sources):
    entries = {path: command for path, command in compile_flags.database(sources).items() if path.endswith(".cpp")}
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout
    missing = [path for path in sources.code() if path.endswith(".cpp") and path not in entries]
    # Fuzzers are compiled by the fuzz preset only.
    found = [f"{path}:1: in no target of the build" for path in missing if not path.startswith("tests/fuzz/")]

    def judge(path):
        return verdicts.complaints(sources, path, entries[path], version, lambda: ask(sources, path))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(judge, sorted(entries))
        return found + sorted({line for lines in results for line in lines})


if __name__ == "__main__":
    source_tree.use_idle_time()
    source_tree.main(violations)
