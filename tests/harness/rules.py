# SPDX-License-Identifier: BSD-2-Clause
"""Hooks, said shortly: add_hook, link, in a file, and what a hook has counted.

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


def hook_of_file(name, code, kind="inet", head=None, on_match="drop"):
    """What a configuration file says of a hook, whose program is the file `code`, and of its link for incoming packets."""
    return (
        f'[[hook]]\nname = "{name}"\ntype = "{kind}"\non_match = "{on_match}"\nbytecode = "{code}"\n'
        f'[[link]]\nhook = "{name}"\nhead = "{head or kind}"\ndirections = ["in"]\n'
    )


def counted(daemon, name):
    """{"seen": n, "matched": n, "dropped": n} in packets."""
    counters = daemon.bpfctl.hook(name)["counters"]
    return {what: counters[f"{what}_packets"] for what in ("seen", "matched", "dropped")}


def start_asking(start_pfild, host, blocked):
    """A daemon whose engine is asked about every packet of eth0, either way; UDP to port `blocked` ends there. The rules look at
    lengths, so that no answer holds for a flow."""
    daemon = start_pfild(host)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:every-frame", "greater 0", kind="ethernet", on_match="count")
    for family, kind in (("ip", "inet"), ("ip6", "inet6")):
        guard(daemon, f"cbpf:blocked-{family}", f"udp dst port {blocked} and greater 1", kind=kind)
    return daemon


def lane(daemon, direction, interface="eth0"):
    return daemon.bpfctl.json("stats")["interfaces"][interface][direction]
