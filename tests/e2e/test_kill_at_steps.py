# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 at chosen steps of one change: the next start has the old model or the new one, whole, and nothing gets by meanwhile.

A step is a system call by which the control thread changes something. strace(1) counts those of a whole change first, and kills at
the n-th of one kind then, before the kernel does it."""
import collections
import json
import re

import pytest

from harness.judges import assert_ends_well, wait_until
from harness.occupants import all_heads
from harness.pfild import TEST_MODE
from harness.ping import ping, unanswered

KILLS = 20
CHANGES = "bpf,openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,socket,setsockopt,sendto,sendmsg,mmap,munmap"
HEADS = ["pfild_in", "pfild_in_xdp", "pfild_out"] if TEST_MODE == "xdp" else ["pfild_in", "pfild_out"]


def interface(name):
    return f'[[interface]]\nname = "{name}"\nunknown = "drop"\n'


def hook(name, expression, on_match="drop", run="engine", directions=("in", "out")):
    return (
        f'[[hook]]\nname = "{name}"\ntype = "inet"\nfilter = "{expression}"\non_match = "{on_match}"\nrun = "{run}"\n'
        f'[[link]]\nhook = "{name}"\nhead = "inet"\ndirections = {json.dumps(directions)}\n'
    )


MODE = "" if TEST_MODE == "auto" else f'mode = "{TEST_MODE}"\n'
ALWAYS = MODE + interface("eth0") + hook("file:always", "icmp")
OLD = ALWAYS + hook("file:changed", "tcp dst port 23") + hook("file:goes", "udp dst port 7", run="kernel", directions=["in"])
NEW = (
    ALWAYS + hook("file:changed", "tcp dst port 24", "count") + hook("file:comes", "udp dst port 8", run="kernel", directions=["in"])
    + interface("eth1")
)  # fmt: skip


def in_force(daemon):
    """What runs, as far as OLD and NEW differ, and what is on the interfaces."""
    hooks = {one["name"]: one for one in daemon.bpfctl.json("hooks")["hooks"]}
    heads = {one["name"]: one for one in daemon.bpfctl.json("heads")["heads"]}
    return {
        "hooks": {name: (one["on_match"], one["run"], one.get("filter")) for name, one in hooks.items()},
        "linked": {way: sorted(heads["inet"][way]) for way in ("in", "out")},
        "heads": all_heads(daemon.host),
        "attached": sorted(one["name"] for one in daemon.bpfctl.json("status")["interfaces"]),
    }


def changed(daemon):
    """The files are read again, and what they ask for is done, or the daemon died of it."""
    before = daemon.current_log().count(" changes made")
    daemon.reload()
    assert wait_until(lambda: not daemon.running() or daemon.current_log().count(" changes made") > before, timeout_s=60)


def steps_of_a_change(daemon, folder):
    """[(system call, the how many-th of its kind)], in order."""
    log = folder / "steps"
    tracer = daemon.host.popen("strace", "-p", daemon.pid, "-e", f"trace={CHANGES}", "-e", "signal=none", "-o", log)
    assert wait_until(lambda: "attached" in tracer.stderr)
    changed(daemon)
    tracer.stop()
    seen, steps = collections.Counter(), []
    for call in re.findall(r"^(\w+)\(", log.read_text(), re.MULTILINE):
        seen[call] += 1
        steps.append((call, seen[call]))
    return steps


def killed_at(daemon, call, number):
    """In the midst of the change."""
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    tracer = daemon.host.popen("strace", "-p", daemon.pid, "-e", f"trace={call}", "-e", inject, "-o", "/dev/null")
    assert wait_until(lambda: "attached" in tracer.stderr)
    changed(daemon)
    died = not daemon.running()
    tracer.stop()
    daemon.kill9()
    return died


def test_a_kill_at_any_step_of_a_change_leaves_the_old_model_or_the_new_one_whole(router_lab, start_pfild, tmp_path):
    daemon = start_pfild(router_lab.fw, config=OLD)
    old = in_force(daemon)
    daemon.configure(NEW)
    steps = steps_of_a_change(daemon, tmp_path)
    new = in_force(daemon)
    assert old != new and len(steps) > 2 * KILLS, steps
    assert (old["attached"], new["attached"]) == (["eth0"], ["eth0", "eth1"])
    every = len(steps) // KILLS
    spread = steps[::every] + steps[every // 2 :: every]  # the second half, where one of the first did not come this time
    died = 0
    for number, (call, count) in enumerate(spread):
        if died == KILLS:
            break
        daemon.configure(OLD)
        changed(daemon)
        assert in_force(daemon) == old
        daemon.configure(NEW)
        died += killed_at(daemon, call, count)
        assert unanswered(router_lab.cli, "192.0.2.2", count=1)
        daemon.configure([OLD, NEW][number % 2])
        daemon.start()
        assert in_force(daemon) == [old, new][number % 2], (number, call, count)
        assert unanswered(router_lab.cli, "192.0.2.2", count=1)
    assert died == KILLS
    daemon.configure(MODE + interface("eth0"))
    changed(daemon)
    assert ping(router_lab.cli, "192.0.2.2", count=2).lost == 0
    assert_ends_well(daemon, "eth0")
