# SPDX-License-Identifier: BSD-2-Clause
"""A change that names one of 1,001 hooks does work for one: as much as it does where the other 1,000 are not.

Work is what the control thread has the kernel make or change: programs loaded, maps made, entries written. strace(1) counts it, so
that a busy machine changes nothing."""
import collections
import re

import pytest

from harness.control import Control
from harness.judges import assert_ends_well, wait_until
from harness.pfild import TEST_MODE
from harness.ping import ping, unanswered

BESIDE = 1000
FIT = 30  # hooks of the others' kind that fit into the kernel's chain of one lane
WORK = ("BPF_PROG_LOAD", "BPF_MAP_CREATE", "BPF_MAP_UPDATE_ELEM", "BPF_MAP_DELETE_ELEM", "BPF_LINK_CREATE", "BPF_LINK_UPDATE", "BPF_PROG_ATTACH")
DROPS_ICMP = [[48, 0, 0, 9], [21, 0, 1, 1], [6, 0, 0, 1], [6, 0, 0, 0]]
DROPS_UDP = [[48, 0, 0, 9], [21, 0, 1, 17], [6, 0, 0, 1], [6, 0, 0, 0]]
ONE = {"name": "one:changed", "type": "inet", "on_match": "count", "program": DROPS_UDP, "dlt": 12, "run": "kernel"}
AT = {"hook": "one:changed", "head": "inet", "directions": ["in"]}
CHANGES = [
    ("hook-add", ONE),
    ("link", AT),
    ("hook-replace", {**ONE, "on_match": "drop", "program": DROPS_ICMP}),
    ("hook-disable", {"name": "one:changed"}),
    ("hook-enable", {"name": "one:changed"}),
    ("unlink", AT),
    ("hook-delete", {"name": "one:changed"}),
]
# What is beside the one: how its hooks differ from those of the others; where they are linked
OTHERS = {
    "linked nowhere": ({}, None),
    "some of them in the kernel, elsewhere": ({"type": "ethernet", "dlt": 1}, {"head": "eth1", "directions": ["out"]}),
    "linked in the engine, at the same head": ({"run": "engine"}, {"head": "inet", "directions": ["out"]}),
}


def put_others(control, differs, place):
    """Half of them by each batch: a line has 262,144 bytes at most."""
    where = "engine" if differs.get("run") == "engine" else "kernel"
    for first in (0, BESIDE // 2):
        names = [f"many:{number}" for number in range(first, first + BESIDE // 2)]
        steps = [{"hook-add": {**ONE, "name": name, "program": [[6, 0, 0, 0]], **differs}} for name in names]
        linked = names if where == "engine" else names[: max(0, FIT - first)]
        steps += [{"link": {"hook": name, **place}} for name in linked] if place else []
        answer = control.call("batch", {"steps": steps})
        assert answer["ok"], answer
    runs = control.call("hook-show", {"name": "many:0"})["result"]["runs"]
    assert {run["where"] for run in runs} == ({where} if place else set()), runs


def work_of(daemon, control, log, verb, arguments):
    """How many of each command of bpf(2)."""
    tracer = daemon.host.popen("strace", "-p", daemon.pid, "-e", "trace=bpf", "-e", "signal=none", "-o", log)
    assert wait_until(lambda: "attached" in tracer.stderr)
    answer = control.call(verb, arguments)
    tracer.stop()
    assert answer["ok"], answer
    calls = collections.Counter(re.findall(r"^bpf\((\w+)", log.read_text(), re.MULTILINE))
    return {command: calls[command] for command in WORK if calls[command]}


def start(host_lab, start_pfild):
    host_lab.fw.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "other1")
    mode = "" if TEST_MODE == "auto" else f'mode = "{TEST_MODE}"\n'
    config = mode + "".join(f'[[interface]]\nname = "{name}"\n' for name in ("eth0", "eth1"))
    return start_pfild(host_lab.fw, config=config)


def work_of_each(daemon, control, folder):
    return [work_of(daemon, control, folder / "calls", verb, arguments) for verb, arguments in CHANGES]


@pytest.mark.parametrize(("differs", "place"), OTHERS.values(), ids=list(OTHERS))
def test_a_change_of_one_hook_is_as_much_work_beside_1000_others(host_lab, start_pfild, tmp_path, differs, place):
    daemon = start(host_lab, start_pfild)
    with Control(daemon.name) as control:
        alone = work_of_each(daemon, control, tmp_path)
        assert all(work.get("BPF_PROG_LOAD") for work in alone[:3]), alone
        put_others(control, differs, place)
        assert work_of_each(daemon, control, tmp_path) == alone
        control.call("hook-add", {**ONE, "on_match": "drop", "program": DROPS_ICMP})
        assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
        control.call("link", AT)
        assert unanswered(host_lab.cli, "192.0.2.2", count=2), "and it is done"
    assert_ends_well(daemon)
