# SPDX-License-Identifier: BSD-2-Clause
"""Hooks, said shortly: add_hook, link, and what a hook has counted."""


def add_hook(daemon, name, expression, kind="inet", on_match="drop"):
    daemon.bpfctl("hook", "add", name, "--filter", expression, "--on-match", on_match, "--type", kind)


def guard(daemon, name="cbpf:guard", expression="tcp dst port 23", kind="inet", head=None, direction="io", on_match="drop"):
    """Adds a hook and links it; direction i, o or io."""
    add_hook(daemon, name, expression, kind, on_match)
    daemon.bpfctl("link", f"-{direction}", name, head or kind)


def counted(daemon, name):
    """{"seen": n, "matched": n, "dropped": n} in packets."""
    counters = daemon.bpfctl.hook(name)["counters"]
    return {what: counters[f"{what}_packets"] for what in ("seen", "matched", "dropped")}
