# SPDX-License-Identifier: BSD-2-Clause
"""As many interfaces as a busy router has, with the buffers that there are by default: each has some whenever packets come."""
import pytest

from harness.flow import UdpFlow
from harness.judges import assert_ends_well, wait_until
from harness.many_links import add_links
from harness.rules import counted, guard

PER_PACKET = "len < 2000"  # never the flow's alone: every packet goes up
LOST = ("socket_rx_ring_full", "socket_rx_fill_ring_empty", "engine_dropped_backlog", "dropped_label")


def attached(start_pfild, lab, mode, count, config=""):
    """(daemon, links): all of them attached, and the engine sees every packet that comes in."""
    links = add_links(lab, count)
    daemon = start_pfild(lab.fw, config=f'mode = "{mode}"\n' + config)
    for link in links:
        daemon.bpfctl("attach", link.name)
    guard(daemon, "cbpf:all", PER_PACKET, direction="i", on_match="count")
    return daemon, links


def flow_over(lab, link, port=9000, **options):
    return UdpFlow(lab.cli, lab.fw, link.fw, port=port, interface=link.name, **options)


def losses(daemon):
    """What pfild has lost, by interface and direction."""
    lanes = {(name, direction): lane for name, of in daemon.bpfctl.json("stats")["interfaces"].items() for direction, lane in of.items()}
    return {where: lost for where, lane in lanes.items() if (lost := {name: lane[name] for name in LOST if lane[name]})}


def assert_all_arrived(results, daemon):
    """But for what never left the sender: see assert_clean."""
    wrong = {name: result for name, result in results.items() if not result.clean_behind_sender()}
    assert not wrong and not losses(daemon), (wrong, losses(daemon))


@pytest.mark.parametrize("mode", ["tc", "xdp"])
def test_16_interfaces_at_5000_packets_a_second_each_lose_nothing(host_lab, start_pfild, mode):
    daemon, links = attached(start_pfild, host_lab, mode, count=16)
    flows = {
        link.name: flow_over(host_lab, link, port=9000 + number, rate_pps=5000, count=500_000) for number, link in enumerate(links)
    }
    at_start = counted(daemon, "cbpf:all")["seen"]  # from here on all at the same time
    assert wait_until(lambda: counted(daemon, "cbpf:all")["seen"] - at_start > 16 * 5000 * 3, timeout_s=20, step_s=0.2)
    results = {name: flow.finish(early=True) for name, flow in flows.items()}
    assert_all_arrived(results, daemon)
    assert counted(daemon, "cbpf:all")["seen"] >= sum(result.received for result in results.values())
    assert_ends_well(daemon, *(link.name for link in links))


@pytest.mark.parametrize("mode", ["tc", "xdp"])
def test_each_of_16_interfaces_takes_a_flow_after_all_others_have_had_theirs(host_lab, start_pfild, mode):
    """What one was offered for its flow it keeps, as nothing comes there any more: the others have enough all the same."""
    daemon, links = attached(start_pfild, host_lab, mode, count=16)
    for _ in range(2):
        results = {link.name: flow_over(host_lab, link, rate_pps=5000, count=2500).finish() for link in links}
        assert_all_arrived(results, daemon)
    assert_ends_well(daemon, *(link.name for link in links))


@pytest.mark.parametrize("mode", ["tc", "xdp"])
def test_what_a_detached_interface_had_is_there_for_others(host_lab, start_pfild, mode):
    """Five times as many as fit, one after the other."""
    daemon, links = attached(start_pfild, host_lab, mode, count=4, config="buffers = 4096\n")
    for _ in range(5):
        for link in links:
            daemon.bpfctl("detach", link.name)
            daemon.bpfctl("attach", link.name)
    results = {link.name: flow_over(host_lab, link, rate_pps=5000, count=5000).finish() for link in links}
    assert_all_arrived(results, daemon)
    assert_ends_well(daemon, *(link.name for link in links))
