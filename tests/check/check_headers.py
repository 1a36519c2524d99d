# SPDX-License-Identifier: BSD-2-Clause
"""Each header compiles alone: it includes what it needs. Headers of bpf/ as BPF, include/ in every language that uses it."""
import concurrent.futures
import os
import subprocess

import compile_flags
import sources as source_tree

C_COMMAND = ["gcc", "-std=gnu11", "-Wall", "-Wextra"]
# include/pfild/abi.h is shared by BPF programs and C++, the rest of include/ by C and C++ programs.
BPF_SHARED = "include/pfild/abi.h"


def commands(sources, entries, path):
    """(language, compiler command) for each language that the header must compile in."""
    if path.startswith("bpf/") or path == BPF_SHARED:
        yield "bpf", compile_flags.bpf_command(sources) + ["-x", "c"]
    if path.startswith("include/"):
        yield "c", [*C_COMMAND, f"-I{sources.root}/include", "-x", "c"]
    if not path.startswith("bpf/"):
        yield "c++", compile_flags.flags_near(entries, path) + ["-x", "c++"]


def compile_alone(sources, path, language, command):
    """Through a source that does nothing but include it; None, or what the compiler said."""
    done = subprocess.run(
        [*command, "-fsyntax-only", "-"],
        input=f'#include "{sources.root / path}"\n',
        cwd=sources.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
    return f"{path}:1: does not compile alone as {language}: {errors[0]}"


def violations(sources):
    entries = compile_flags.database(sources)
    headers = [path for path in sources.code() if path.endswith(".h")]
    jobs = [(path, *job) for path in headers for job in commands(sources, entries, path)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda job: compile_alone(sources, *job), jobs)
        return [result for result in results if result]


if __name__ == "__main__":
    source_tree.main(violations)
