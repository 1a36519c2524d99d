# SPDX-License-Identifier: BSD-2-Clause
"""Who sits on the interfaces of a host: heads of pfild, by TCX, on clsact and as XDP, and programs of strangers put in front."""
import json
import sys

from .judges import tc_filters
from .programs import HARNESS

_SCRIPT = [sys.executable, "-B", HARNESS / "bpf_programs.py"]


def tcx_programs(host, interface="eth0"):
    """[{"side", "id", "name"}..]"""
    return json.loads(host.run(*_SCRIPT, "list", interface).stdout)


def put_in_front(host, interface, side, name, action):
    """A program of a stranger, before all others by TCX, that says `action` (TC_ACT_*) of every packet."""
    host.run(*_SCRIPT, "front", interface, side, name, action)


def race(host, interface, file):
    """A Process that waits until a file names the interface or a program is there by TCX, and says which came first."""
    waiting = host.popen(*_SCRIPT, "race", interface, file)
    waiting.wait_for_output("waiting")
    return waiting


def take_away(host, interface, name):
    for one in tcx_programs(host, interface):
        if one["name"] == name:
            host.run(*_SCRIPT, "remove", interface, one["side"], one["id"])


def head_names(host, interface):
    """["pfild_in", ..], sorted; a dispatcher counts, as nobody else puts one there."""
    names = [one["name"] for one in tcx_programs(host, interface)]
    names += [one["options"]["prog"]["name"] for side in tc_filters(host, interface).values()
              for one in side if "prog" in one["options"]]  # fmt: skip
    link = json.loads(host.run("ip", "-d", "-j", "link", "show", "dev", interface).stdout)[0]
    names += [link["xdp"]["prog"]["name"]] if "prog" in link.get("xdp", {}) else []
    return sorted(name for name in names if name.startswith(("pfild_", "xdp_disp")))


def all_heads(host):
    """{interface: head_names} of those that have any."""
    links = json.loads(host.run("ip", "-j", "link").stdout)
    found = {link["ifname"]: head_names(host, link["ifname"]) for link in links}
    return {name: heads for name, heads in found.items() if heads}
