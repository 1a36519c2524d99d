# SPDX-License-Identifier: BSD-2-Clause
"""A port that somebody breaks under blocked traffic: nothing passes while the daemon, which lives, makes it anew."""
import resource

import pytest

from harness.flow import UdpFlow
from harness.judges import assert_ends_well, heads, tc_filters, wait_until
from harness.ping import ping
from harness.rules import guard

BLOCKED = 9
RATE_PPS = 1000
TCX, CLSACT = "", 'tc_attach = "clsact"\n'
HOPELESS_MTU = 65_535


def start_guarding(start_pfild, host, config=TCX, unknown="pass"):
    """Every packet of eth0 goes through the engine, either way; UDP to port 9 ends there."""
    daemon = start_pfild(host, config=config)
    daemon.bpfctl("attach", "eth0", "--unknown", unknown)
    guard(daemon, "cbpf:every-frame", "greater 0", kind="ethernet", on_match="count")
    for kind in ("inet", "inet6"):
        guard(daemon, f"cbpf:blocked-{kind}", f"udp dst port {BLOCKED} and greater 1", kind=kind)
    return daemon


def ports(daemon):
    found = daemon.bpfctl.interface("eth0")["port_pair"]
    return found["p"], found["q"]


def whole(daemon):
    """Both ports are there, up and with the MTU that belongs to the interface's."""
    view = daemon.bpfctl.interface("eth0")
    links = daemon.host.run("ip", "-o", "link").stdout.splitlines()
    up = [line for line in links if any(f" {port}@" in line for port in view["port_pair"].values()) and ",UP" in line]
    return view["state"] == "attached" and len(up) == 2 and all(f"mtu {view['mtu'] + 8} " in line for line in up)


def delete(*names):
    return [["ip", "link", "delete", name] for name in names]


def change(name, *what):
    return [["ip", "link", "set", name, *map(str, what)]]


ONCE_EACH = {
    "q deleted": lambda p, q, number: delete(q),
    "p deleted": lambda p, q, number: delete(p),
    "both deleted": lambda p, q, number: delete(p, q),
    "p down": lambda p, q, number: change(p, "down"),
    "q down": lambda p, q, number: change(q, "down"),
    "p with another MTU": lambda p, q, number: change(p, "mtu", 1400),
    "q with another MTU": lambda p, q, number: change(q, "mtu", 9000),
    "the interface with another MTU": lambda p, q, number: change("eth0", "mtu", 1400 + number),
}
IN_CLSACT = {
    "programs of p removed": lambda p, q, number: [["tc", "qdisc", "delete", "dev", p, "clsact"]],
    "programs of q removed": lambda p, q, number: [["tc", "qdisc", "delete", "dev", q, "clsact"]],
}


def blocked(daemon):
    """Packets that the engine has dropped, of the direction that has fewer."""
    return min(lane["engine_dropped"] for lane in daemon.bpfctl.json("stats")["interfaces"]["eth0"].values())


def break_under_traffic(daemon, lab, damage, rounds, mended=whole, family="ipv4"):
    """Datagrams that are blocked, both ways, meanwhile; how many of each came."""
    ends = [(lab.cli, lab.fw, getattr(lab.fw.eth0, family)), (lab.fw, lab.cli, getattr(lab.cli.eth0, family))]
    flows = [UdpFlow(*one, rate_pps=RATE_PPS, count=RATE_PPS * 100, port=BLOCKED) for one in ends]
    for number in range(rounds):
        met_the_rule = blocked(daemon)
        assert wait_until(lambda: blocked(daemon) > met_the_rule + 10), number  # noqa: B023
        for command in damage(*ports(daemon), number):
            lab.fw.run(*command, check=False)  # what it repaired meanwhile has another name, or is not there yet
        assert wait_until(lambda: mended(daemon), timeout_s=5), daemon.bpfctl.interface("eth0")
    received = [flow.finish(early=True) for flow in flows]
    assert all(one.rate_pps > RATE_PPS * 0.9 for one in received), received
    return [one.received for one in received]


@pytest.mark.parametrize("what", ONCE_EACH)
@pytest.mark.parametrize("config", [TCX, CLSACT], ids=["tcx", "clsact"])
def test_nothing_blocked_passes_while_a_port_is_repaired(host_lab, start_pfild, config, what):
    daemon = start_guarding(start_pfild, host_lab.fw, config)
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    assert break_under_traffic(daemon, host_lab, ONCE_EACH[what], 20 if what == "q deleted" else 5) == [0, 0]
    assert wait_until(lambda: ping(host_lab.cli, "192.0.2.2", count=2).lost == 0)
    assert_ends_well(daemon)


def test_nothing_blocked_of_ipv6_passes_while_a_port_is_repaired(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
    assert ping(host_lab.cli, host_lab.fw.eth0.ipv6, count=2).lost == 0
    assert break_under_traffic(daemon, host_lab, ONCE_EACH["both deleted"], 5, family="ipv6") == [0, 0]
    assert_ends_well(daemon)


@pytest.mark.parametrize("what", IN_CLSACT)
def test_nothing_blocked_passes_while_programs_are_put_back(host_lab, start_pfild, what):
    daemon = start_guarding(start_pfild, host_lab.fw, CLSACT)
    port = ports(daemon)[list(IN_CLSACT).index(what)]
    there = lambda daemon: bool(tc_filters(daemon.host, port)["ingress"])  # noqa: E731
    assert break_under_traffic(daemon, host_lab, IN_CLSACT[what], 5, there) == [0, 0]
    assert wait_until(lambda: ping(host_lab.cli, "192.0.2.2", count=2).lost == 0)
    assert_ends_well(daemon)


def test_heads_stay_when_their_port_is_repaired(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw, CLSACT)
    before = heads(host_lab.fw)
    for _ in range(3):
        host_lab.fw.run("ip", "link", "delete", ports(daemon)[1])
        assert wait_until(lambda: whole(daemon))
    assert heads(host_lab.fw) == before
    assert_ends_well(daemon)


def test_an_interface_that_stands_down_does_as_attached_and_opens_nothing_when_it_is_taken_up_again(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw, unknown="drop")

    def stand_down_and_up(_p, _q, number):
        said = daemon.current_log().count("its MTU of 65535 bytes is more than")
        host_lab.fw.run("ip", "link", "set", "eth0", "mtu", HOPELESS_MTU)
        assert wait_until(lambda: daemon.current_log().count("its MTU of 65535 bytes is more than") > said), number
        assert daemon.bpfctl.interface("eth0")["state"] == "repairing"
        return change("eth0", "mtu", 1500)

    assert break_under_traffic(daemon, host_lab, stand_down_and_up, 5) == [0, 0]
    assert wait_until(lambda: ping(host_lab.cli, "192.0.2.2", count=2).lost == 0)
    assert_ends_well(daemon)


def test_a_daemon_that_is_killed_while_it_repairs_opens_as_attached(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
    host_lab.fw.run("ip", "link", "delete", ports(daemon)[1])
    daemon.kill9()
    assert wait_until(lambda: ping(host_lab.cli, "192.0.2.2", count=2).lost == 0)
    daemon.start()
    assert wait_until(lambda: whole(daemon))


def test_a_daemon_that_runs_out_of_descriptors_guards_on(host_lab, start_pfild):
    """It cannot look whether the interface is there: that does not mean that the interface is not."""
    daemon = start_guarding(start_pfild, host_lab.fw)
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=RATE_PPS, count=RATE_PPS * 100, port=BLOCKED)
    limit = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    try:
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (8, limit[1]))
        assert wait_until(lambda: "repair failed" in daemon.current_log(), timeout_s=5), daemon.current_log()
    finally:
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limit)
    assert wait_until(lambda: whole(daemon), timeout_s=5), daemon.bpfctl.interface("eth0")
    assert ping(host_lab.cli, "192.0.2.2", count=20, interval_ms=10).lost == 0
    seen = flow.finish(early=True)
    assert seen.sent > 0 and seen.received == 0
    assert_ends_well(daemon, "eth0")
