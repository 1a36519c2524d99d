# SPDX-License-Identifier: BSD-2-Clause
"""clang-format leaves every C, C++ and BPF file as it is."""
import re
import subprocess

import sources as source_tree


def violations(sources):
    paths = sources.code()
    if not paths:
        return []
    done = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", "--style=file", *paths],
        cwd=sources.root,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(\S+?:\d+):\d+: error: code should be clang-formatted", done.stderr, re.MULTILINE)
    if done.returncode != 0 and not found:
        return [done.stderr.strip()]
    by_file = {}
    for place in found:
        by_file.setdefault(place.rsplit(":", 1)[0], []).append(place)
    return [f"{places[0]}: not formatted, {len(places)} places (clang-format -i {path})" for path, places in by_file.items()]


if __name__ == "__main__":
    source_tree.main(violations)
