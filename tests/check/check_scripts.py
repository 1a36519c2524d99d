# SPDX-License-Identifier: BSD-2-Clause
"""Shell scripts pass shellcheck and name no test that does not exist, Python files compile."""
import re
import subprocess

import sources as source_tree

# With a folder it is one of tests/vm, without one of tests/e2e.
NAMED_TEST = re.compile(r"\b((?:\w+/)*)(test_\w+\.py)::(test_\w+)")


def shell_scripts(sources):
    for path in sources.files:
        if path.endswith((".sh", ".postinst", ".prerm", ".postrm")) or "." not in path.rsplit("/", 1)[-1]:
            with open(sources.root / path, "rb") as script:
                first = script.readline()
            if first.startswith(b"#!") and first.rstrip().endswith((b"sh", b"bash")):
                yield path


def shell_violations(sources):
    paths = list(shell_scripts(sources))
    if not paths:
        return []
    command = ["shellcheck", "--format=gcc", "--external-sources", *paths]
    done = subprocess.run(command, cwd=sources.root, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() + done.stderr.splitlines()


def named_test_violations(sources):
    for path in shell_scripts(sources):
        for folder, file, test in NAMED_TEST.findall(sources.text(path)):
            its_file = f"tests/vm/{folder}{file}" if folder else f"tests/e2e/{file}"
            if its_file not in sources.files or f"def {test}(" not in sources.text(its_file):
                yield f"{path}: {its_file} has no {test}"


def python_violations(sources):
    for path in sources.files:
        if path.endswith(".py"):
            try:
                compile(sources.text(path), path, "exec")
            except SyntaxError as error:
                yield f"{path}:{error.lineno}: {error.msg}"


def violations(sources):
    return [*shell_violations(sources), *named_test_violations(sources), *python_violations(sources)]


if __name__ == "__main__":
    source_tree.main(violations)
