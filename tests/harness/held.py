# SPDX-License-Identifier: BSD-2-Clause
"""What a process holds of BPF, by its descriptors. Those that it closes meanwhile are not held."""
import contextlib
import json
import pathlib


def held_ids(pid, kind):
    """Ids of the programs ("prog") or maps ("map") of a process."""
    ids = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):
            lines = descriptor.read_text().splitlines()
            ids.update(line.split()[1] for line in lines if line.startswith(f"{kind}_id:"))
    return ids


def held(daemon, kind):
    """The same of a daemon, as bpftool describes each."""
    found = []
    for one in sorted(held_ids(daemon.pid, kind)):
        shown = daemon.host.run("bpftool", "-j", kind, "show", "id", one, check=False)
        if shown.returncode == 0:
            found.append(json.loads(shown.stdout))
    return found
