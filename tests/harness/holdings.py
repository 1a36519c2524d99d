# SPDX-License-Identifier: BSD-2-Clause
"""What a daemon holds of the system, to be compared: descriptors, memory, programs and maps."""
import collections
import os
import pathlib
import re
from dataclasses import dataclass

from .held import held_ids


@dataclass(frozen=True)
class Holdings:
    descriptors: dict  # by kind: {"socket": 8, "anon_inode:bpf-prog": 9, ..}
    programs: int
    maps: int
    resident_kib: int

    def growth(self, before):
        """What there is more than before, in words; memory only from 256 KiB on: pages are touched for the first time."""
        more = {kind: number - before.descriptors.get(kind, 0) for kind, number in self.descriptors.items()}
        grown = [f"{number} descriptors of {kind}" for kind, number in sorted(more.items()) if number > 0]
        grown += [f"{self.programs - before.programs} programs"] if self.programs > before.programs else []
        grown += [f"{self.maps - before.maps} maps"] if self.maps > before.maps else []
        memory = self.resident_kib - before.resident_kib
        return grown + ([f"{memory} KiB of memory"] if memory > 256 else [])


def holdings(daemon):
    kinds = collections.Counter()
    for descriptor in pathlib.Path(f"/proc/{daemon.pid}/fd").iterdir():
        try:
            kinds[re.sub(r":\[\d+\]$|:$", "", os.readlink(descriptor))] += 1
        except FileNotFoundError:  # closed meanwhile
            continue
    status = pathlib.Path(f"/proc/{daemon.pid}/status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])
    return Holdings(dict(kinds), len(held_ids(daemon.pid, "prog")), len(held_ids(daemon.pid, "map")), resident)


def most(looks):
    """The most of each kind that was held at one of them. A single look can come between the end of a timer and the next one."""
    kinds = {kind for one in looks for kind in one.descriptors}
    return Holdings(
        {kind: max(one.descriptors.get(kind, 0) for one in looks) for kind in kinds},
        max(one.programs for one in looks),
        max(one.maps for one in looks),
        max(one.resident_kib for one in looks),
    )
