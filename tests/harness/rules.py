# SPDX-License-Identifier: BSD-2-Clause
"""Hooks, said shortly: add_hook, link, and what a hook has counted.

They run in the engine if nothing else is said, as most tests are about the way through userspace."""


def add_hook(daemon, name, expression, kind="inet", on_match="drop", run="engine"):
    what = ("--filter", expression, "--on-match", on_match, "--type", kind, "--run", run)
    daemon.bpfctl("hook", "add", name, *what)


def guard(
    daemon, name="cbpf:guard", expression="tcp dst port 23", kind="inet", head=None, direction="io", on_match="drop", run="engine"
):
    """Adds a hook and links it; direction i, o or io."""
    add_hook(daemon, name, expression, kind, on_match, run)
    daemon.bpfctl("link", f"-{direction}", name, head or kind)


def counted(daemon, name):
    """{"seen": n, "matched": n, "dropped": n} in packets."""
    counters = daemon.bpfctl.hook(name)["counters"]
    return {what: counters[f"{what}_packets"] for what in ("seen", "matched", "dropped")}
