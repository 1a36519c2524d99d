# SPDX-License-Identifier: BSD-2-Clause
"""Who sits on the interfaces of a host: heads of pfild, by TCX, on clsact and as XDP, and programs of strangers put in front."""
import json
import sys

from .judges import tc_filters
from .programs import HARNESS
from .rules import guard

_SCRIPT = [sys.executable, "-B", HARNESS / "bpf_programs.py"]


def tcx_programs(host, interface="eth0"):
    """[{"side", "id", "name"}..]"""
    return json.loads(host.run(*_SCRIPT, "list", interface).stdout)


def put_in_front(host, interface, side, name, action):
    """A program of a stranger, before all others by TCX, that says `action` (TC_ACT_*) of every packet."""
    host.run(*_SCRIPT, "front", interface, side, name, action)


def crowd_in_front(host, interface, side, count):
    """One program of a stranger after another for count / 50 seconds; they let all go on."""
    host.run(*_SCRIPT, "crowd", interface, side, count)


def heads_at(host, interface="eth0"):
    """{side: [number of the program]} of heads by TCX and on clsact."""
    found = {side: [one["options"]["prog"]["id"] for one in filters if "prog" in one["options"]]
             for side, filters in tc_filters(host, interface).items()}  # fmt: skip
    for one in tcx_programs(host, interface):
        if one["name"].startswith("pfild_"):
            found[one["side"]].append(one["id"])
    return found


def remove_head(host, interface, side):
    """As a stranger may who has the right to."""
    for one in tcx_programs(host, interface):
        if one["side"] == side and one["name"].startswith("pfild_"):
            host.run(*_SCRIPT, "remove", interface, side, one["id"])
    for one in tc_filters(host, interface)[side]:
        host.run("tc", "filter", "del", "dev", interface, side, "pref", one["pref"])


def leave_no_room(host, interface, side):
    """Programs of strangers by TCX, and where heads look for a place on clsact, so that a head can be put nowhere at that side."""
    host.run(*_SCRIPT, "fill", interface, side)
    host.run("tc", "qdisc", "add", "dev", interface, "clsact", check=False)
    for preference in range(1, 9):
        where = ["dev", interface, side, "protocol", "ip", "pref", preference]
        host.run("tc", "filter", "add", *where, "u32", "match", "u8", "255", "0xff", "at", "9", "classid", "1:1")


def make_room(host, interface, side):
    for one in tcx_programs(host, interface):
        if one["side"] == side and one["name"] == "filler":
            host.run(*_SCRIPT, "remove", interface, side, one["id"])
    for preference in range(1, 9):
        host.run("tc", "filter", "del", "dev", interface, side, "pref", preference)
    if not any(tc_filters(host, interface).values()):
        host.run("tc", "qdisc", "del", "dev", interface, "clsact")


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


def in_front(daemon):
    return daemon.bpfctl.interface("eth0")["in_front"]


def log_lines(daemon, text):
    return [line for line in daemon.current_log().splitlines() if text in line]


def start_guarding(start_pfild, host, config="", words=()):
    daemon = start_pfild(host, config=config)
    daemon.bpfctl("attach", "eth0", "--unknown", "drop", "--mode", "tc", *words)
    guard(daemon, direction="i")
    return daemon
