# SPDX-License-Identifier: BSD-2-Clause
"""Changes under load lose no packet, and none is seen by a hook after the call that took it away has returned (PF-11, PF-17).

When a flow here is not clean, the message says where packets went (assert_clean).
"""
import time

import pytest

from harness.control import Control
from harness.flow import UdpFlow
from harness.judges import assert_clean, assert_ends_well, heads, wait_until
from harness.rules import add_hook, counted, guard

FLOW = "udp dst port 9000"
LOST = ("socket_rx_ring_full", "socket_rx_fill_ring_empty", "engine_dropped_backlog", "dropped_label")
# The engine shares two processors with everything that makes the load: a socket holds 160 ms of 100 kpps.
PATIENT = "buffers = 65536\n"
LINK = {"hook": "cbpf:storm", "head": "inet", "directions": ["in"]}


def ask(control, verb, arguments):
    answer = control.call(verb, arguments)
    assert answer["ok"], answer
    return answer["result"]


def seen_by(control, name):
    hook = next(one for one in ask(control, "hooks", {})["hooks"] if one["name"] == name)
    return hook["counters"]["seen_packets"]


@pytest.mark.parametrize("what", ["every packet is in the engine anyway", "the kernel passes packets between two links"])
def test_10000_links_and_unlinks_during_100_kpps_lose_nothing_and_no_hook_runs_after_its_unlink(host_lab, start_pfild, what):
    daemon = start_pfild(host_lab.fw, config=PATIENT)
    daemon.bpfctl("attach", "eth0")
    if what.startswith("every"):
        guard(daemon, "cbpf:always", FLOW, direction="i", on_match="count")
    add_hook(daemon, "cbpf:storm", FLOW, on_match="count")
    late = []
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=100_000, count=12_000_000)
    with Control(daemon.name) as control:
        for number in range(10_000):
            ask(control, "link", LINK)
            ask(control, "unlink", LINK)
            if number % 10 == 0:
                at_return = seen_by(control, "cbpf:storm")
                if number % 200 == 0:
                    time.sleep(0.002)  # 200 packets of the flow
                late.append(seen_by(control, "cbpf:storm") - at_return)
        assert flow.running()
        result = flow.finish(early=True)
        at_end = seen_by(control, "cbpf:storm")
    assert set(late) == {0}, max(late)
    assert at_end > 1000  # it was in the path, again and again
    if what.startswith("every"):
        assert_clean(result, daemon, *host_lab.hosts())
        assert counted(daemon, "cbpf:always")["matched"] == result.received
    else:
        # Packets that the kernel passes overtake those that are still in the engine; none is lost or doubled.
        assert (result.lost, result.duplicated) == (0, 0), result
    assert_ends_well(daemon)


@pytest.mark.parametrize("clsact", ["without", "before pfild"])
@pytest.mark.parametrize("direction", ["in", "out"])
def test_attach_and_detach_again_and_again_at_50_kpps_lose_nothing(host_lab, start_pfild, direction, clsact):
    """By TCX; and on a clsact, if that is there already: the kernel takes a device's queues down while it adds or removes one."""
    if clsact == "before pfild":
        host_lab.fw.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    daemon = start_pfild(host_lab.fw, config=PATIENT + ('tc_attach = "clsact"\n' if clsact == "before pfild" else ""))
    guard(daemon, "cbpf:count", FLOW, on_match="count")
    sender, receiver = (host_lab.cli, host_lab.fw) if direction == "in" else (host_lab.fw, host_lab.cli)
    flow = UdpFlow(sender, receiver, receiver.eth0.ipv4, rate_pps=50_000, count=3_000_000)
    lost_on_the_way = {}
    with Control(daemon.name) as control:
        for _ in range(15):
            before = seen_by(control, "cbpf:count")
            ask(control, "attach", {"interface": "eth0"})
            assert wait_until(lambda: seen_by(control, "cbpf:count") > before + 1000, step_s=0.005)  # noqa: B023
            lane = ask(control, "stats", {})["interfaces"]["eth0"][direction]
            lost_on_the_way.update({name: lane[name] for name in LOST if lane[name]})
            ask(control, "detach", {"interface": "eth0"})
    assert flow.running()
    result = flow.finish(early=True)
    assert counted(daemon, "cbpf:count")["matched"] > 1000 * 15  # they did go through the engine
    assert (result.lost, result.duplicated) == (0, 0), f"{result} {lost_on_the_way}"
    assert daemon.stop() == 0
    assert heads(host_lab.fw) == {"ingress": [], "egress": []}


def test_deleting_a_linked_hook_and_adding_it_again_under_load_loses_nothing(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=PATIENT)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:always", FLOW, direction="i", on_match="count")
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=50_000, count=3_000_000)
    hook = {"name": "cbpf:storm", "type": "inet", "on_match": "count", "filter": None, "program": [[6, 0, 0, 1]], "dlt": 12}
    with Control(daemon.name) as control:
        for _ in range(500):
            ask(control, "hook-add", hook)
            ask(control, "link", LINK)
            ask(control, "hook-delete", {"name": "cbpf:storm"})
    result = flow.finish(early=True)
    assert_clean(result, daemon, *host_lab.hosts())
    assert counted(daemon, "cbpf:always")["matched"] == result.received
    assert_ends_well(daemon)


def test_a_hook_that_drops_takes_effect_with_the_answer_to_its_link(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=PATIENT)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:before", FLOW, direction="i", on_match="count")
    add_hook(daemon, "cbpf:storm", FLOW)
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=50_000, count=3_000_000)
    dropped_after = []
    with Control(daemon.name) as control:
        for _ in range(50):
            ask(control, "link", LINK)
            # Appended or not, an inet hook linked later runs first: what the older one sees now has come before the link.
            before = seen_by(control, "cbpf:before")
            time.sleep(0.005)
            dropped_after.append(seen_by(control, "cbpf:before") - before)
            ask(control, "unlink", LINK)
    result = flow.finish(early=True)
    assert dropped_after == [0] * 50
    assert result.duplicated == 0
    lane = daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]
    assert result.lost == lane["engine_dropped"] + lane["dropped_known"]
    assert 0 < counted(daemon, "cbpf:storm")["dropped"] == lane["engine_dropped"]
    assert_ends_well(daemon)
