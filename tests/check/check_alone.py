# SPDX-License-Identifier: BSD-2-Clause
"""Each source and each header compiles alone: it includes what it needs. Headers of bpf/ as BPF, include/ in every language
that uses it. A build that compiles several sources at once (PFILD_UNITY) shows it of the first of them only.
"""
import concurrent.futures
import functools
import os
import subprocess
import tempfile

import compile_flags
import precompiled
import sources as source_tree
import verdicts

C_COMMAND = ["gcc", "-std=gnu11", "-Wall", "-Wextra"]
CPP_COMMAND = ["g++", "-std=c++20", "-Wall", "-Wextra"]  # of a header that nothing includes yet
# include/pfild/abi.h is shared by BPF programs and C++, the rest of include/ by C and C++ programs.
BPF_SHARED = "include/pfild/abi.h"


def first_includes(sources, paths):
    """What these sources include before anything else: a header that is first in a source which compiles alone does too."""
    includes = (verdicts.INCLUDE.search(sources.text(path)) for path in paths)
    return {include[1] for include in includes if include}


def commands(sources, of_headers, path):
    """(language, compiler command) for each language that the header must compile in."""
    if path.startswith("bpf/") or path == BPF_SHARED:
        yield "bpf", compile_flags.bpf_command(sources)
    if path.startswith("include/"):
        yield "c", [*C_COMMAND, f"-I{sources.root}/include"]
    if not path.startswith("bpf/"):
        yield "c++", of_headers.get(path, [*CPP_COMMAND, f"-I{sources.root}", f"-I{sources.root}/include"])


def compile_alone(sources, path, language, command):
    """Through a source that does nothing but include it; what the compiler said, in a list."""
    done = subprocess.run(
        [*command, "-fsyntax-only", "-x", "c++" if language == "c++" else "c", "-"],
        input=f'#include "{sources.root / path}"\n',
        cwd=sources.root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return []
    errors = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
    return [f"{path}:1: does not compile alone as {language}: {errors[0]}"]


def violations(sources):
    entries = compile_flags.database(sources)
    of_headers = compile_flags.commands_of_headers(sources, entries)
    built = {names[0] for names, _ in compile_flags.units(sources) if names}
    jobs = [(path, "c++", command) for path, command in entries.items() if path not in built]
    # A source that gets large headers precompiled says nothing about its first header: they come before it.
    seen = first_includes(sources, (path for path in entries if path in built or not precompiled.large_headers(sources, path)))
    for path in (path for path in sources.code() if path.endswith(".h")):
        jobs += [(path, *job) for job in commands(sources, of_headers, path) if job[0] != "c++" or path not in seen]

    def judge(job, ready):
        path, language, command = job

        def ask():
            words = ready.command(path, command) if language == "c++" else command
            return compile_alone(sources, path, language, words)

        return verdicts.complaints(sources, [path], command, language, ask)

    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        judge_job = functools.partial(judge, ready=precompiled.Precompiled(sources, folder))
        return [line for lines in pool.map(judge_job, jobs) for line in lines]


if __name__ == "__main__":
    source_tree.use_idle_time()
    source_tree.main(violations)
