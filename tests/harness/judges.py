# SPDX-License-Identifier: BSD-2-Clause
"""What must hold whatever a test has done with a daemon: its books balance, and it leaves nothing behind."""
import json
import time

HEAD_HANDLES = ("0x70660000", "0x70660001")  # daemon/kernel/heads.cpp
NEVER = ("socket_foreign_buffers", "socket_tx_invalid", "dropped_label", "engine_dropped_label")


def wait_until(condition, timeout_s=20.0, step_s=0.02):
    """What `condition` returned when that was true at last, or when the time was over."""
    deadline = time.monotonic() + timeout_s
    while not (result := condition()) and time.monotonic() < deadline:
        time.sleep(step_s)
    return result


def assert_balanced(daemon):
    """No frame is lost or made, every packet that came up has exactly one fate, and nothing happened that is a defect.

    All of it in one reading, at a moment when no packet of the stacks' own is on its way.
    """
    wrong = []

    def balanced():
        wrong[:] = imbalances(daemon.bpfctl.json("stats"))
        return not wrong

    assert wait_until(balanced), wrong


def imbalances(stats):
    buffers = stats["buffers"]
    if buffers["in_flight"] != 0 or buffers["free"] + buffers["rings"] != buffers["total"]:
        yield buffers
    for name, lanes in stats["interfaces"].items():
        for direction, lane in lanes.items():
            if "engine_received" not in lane:  # only tapped
                continue
            fates = ("passed", "dropped", "consumed", "dropped_extension", "dropped_fragment", "dropped_label", "dropped_backlog",
                     "dropped_circling", "dropped_stale")  # fmt: skip
            if lane["engine_received"] != sum(lane[f"engine_{fate}"] for fate in fates) or any(lane[never] for never in NEVER):
                yield name, direction, lane


def assert_clean(result, daemon, *hosts):
    """Of a FlowResult. No fault of pfild, which has dropped nothing then: a veth whose peer has XDP has a ring of 256 packets, and
    drops as tx_dropped what the peer's softirq does not fetch in time. When the flow is not clean, says where packets went: by heads,
    engine and sockets, at the interfaces of hosts, or before a full socket."""
    if result.clean():
        return
    lanes = {
        (name, direction): {counter: value for counter, value in lane.items() if value}
        for name, of_interface in daemon.bpfctl.json("stats")["interfaces"].items() for direction, lane in of_interface.items()
    }  # fmt: skip
    in_pfild = [counter for lane in lanes.values() for counter in lane if "dropped" in counter or "socket" in counter]
    if result.clean_behind_sender() and not in_pfild:
        return
    elsewhere = {host.namespace: [host.counter(one) for one in ("tx_dropped", "rx_dropped")] for host in hosts}
    sockets = [line for host in hosts for line in host.run("nstat", "-az").stdout.splitlines() if "UdpRcvbufErrors" in line]
    raise AssertionError(f"{result}\n{lanes}\ntx_dropped, rx_dropped: {elsewhere}\n{sockets}")


def tc_filters(host, interface="eth0"):
    """All filters of the interface: {"ingress": [..], "egress": [..]}."""
    found = {}
    for side in ("ingress", "egress"):
        listed = json.loads(host.run("tc", "-j", "filter", "show", "dev", interface, side, check=False).stdout or "[]")
        found[side] = [one for one in listed if "options" in one]
    return found


def heads(host, interface="eth0"):
    """The filters that are heads of pfild."""
    every = tc_filters(host, interface)
    return {side: [one for one in filters if is_head(one)] for side, filters in every.items()}


def is_head(one):
    return one["options"].get("handle") in HEAD_HANDLES


def xdp_program(host, interface="eth0"):
    """The name of the program that runs there; nothing without one, or without the interface."""
    found = host.run("ip", "-d", "-j", "link", "show", "dev", interface, check=False)
    return json.loads(found.stdout)[0].get("xdp", {}).get("prog", {}).get("name") if found.returncode == 0 else None


def qdiscs(host, interface="eth0"):
    return json.loads(host.run("tc", "-j", "qdisc", "show", "dev", interface).stdout)


def offloads(host, interface="eth0"):
    return host.run("ethtool", "-k", interface).stdout


def left_behind(daemon, *interfaces):
    """As Pfild.left_behind, with filters, clsact and the folder in /run."""
    left = daemon.left_behind() + ([str(daemon.run_folder)] if daemon.run_folder.exists() else [])
    for interface in interfaces or ("eth0",):
        left += [one for side in tc_filters(daemon.host, interface).values() for one in side if is_head(one)]
        left += [one for one in qdiscs(daemon.host, interface) if one["kind"] == "clsact"]
        left += [name for name in [xdp_program(daemon.host, interface)] if name and name.startswith("pfild")]
    return left


def assert_ends_well(daemon, *interfaces):
    """Its books balance, it ends with 0 on SIGTERM, and nothing stays."""
    assert daemon.running(), daemon.current_log()
    assert_balanced(daemon)
    assert daemon.stop() == 0
    assert left_behind(daemon, *interfaces) == []
