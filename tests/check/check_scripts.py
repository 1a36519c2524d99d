# SPDX-License-Identifier: BSD-2-Clause
"""Shell scripts pass shellcheck, Python files compile."""
import subprocess

import sources as source_tree


def shell_scripts(sources):
    for path in sources.files:
        if path.endswith(".sh") or "." not in path.rsplit("/", 1)[-1]:
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


def python_violations(sources):
    for path in sources.files:
        if path.endswith(".py"):
            try:
                compile(sources.text(path), path, "exec")
            except SyntaxError as error:
                yield f"{path}:{error.lineno}: {error.msg}"


def violations(sources):
    return shell_violations(sources) + list(python_violations(sources))


if __name__ == "__main__":
    source_tree.main(violations)
