# SPDX-License-Identifier: BSD-2-Clause
"""Known flows after kill -9: they go on without daemon and without neighbours, for as long as they may, and the next daemon finds
them."""
import time

import pytest

from harness.flow import UdpFlow
from harness.judges import assert_ends_well, wait_until
from harness.ping import ping, unanswered
from harness.rules import guard

SHORT_LIVED = "flow_idle_s = 3\n"
RATE_PPS = 150  # a neighbour that must be asked twice takes 1 s, and the kernel keeps some 270 packets for it


def start_guarding(start_pfild, host, config=""):
    daemon = start_pfild(host, config=config)
    daemon.bpfctl("attach", "eth0", "--unknown", "drop")
    for kind in ("inet", "inet6"):
        guard(daemon, f"cbpf:no-telnet-{kind}", "tcp dst port 23", kind)
    return daemon


def flows_in_use(daemon):
    return daemon.bpfctl.json("status")["flows"]["in_use"]


def passed_known(daemon):
    return daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]["passed_known"]


def forget_neighbours(*hosts):
    for host in hosts:
        host.run("ip", "neigh", "flush", "dev", "eth0")


def test_known_flows_go_on_for_60_s_and_are_known_to_the_next_daemon(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
    flows = [
        UdpFlow(host_lab.cli, host_lab.fw, address, rate_pps=RATE_PPS, count=200 * RATE_PPS, port=port)
        for address, port in (("192.0.2.2", 9000), ("2001:db8:1::2", 9001))
    ]
    assert wait_until(lambda: flows_in_use(daemon) >= 2 and passed_known(daemon) > 20)
    daemon.kill9()
    for _ in range(12):
        forget_neighbours(host_lab.cli, host_lab.fw)
        time.sleep(5)
    assert unanswered(host_lab.cli, "192.0.2.2", count=5)  # not known, and nobody to ask
    daemon.start()
    found = flows_in_use(daemon)
    assert wait_until(lambda: passed_known(daemon) > RATE_PPS)
    lane = daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]
    results = [flow.finish(early=True) for flow in flows]
    assert [(one.lost, one.out_of_order, one.duplicated) for one in results] == [(0, 0, 0)] * 2, (results, lane)
    assert found >= 2
    assert lane["engine_received"] < 20, lane
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    assert_ends_well(daemon)


def test_an_entry_past_its_time_out_does_not_pass(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw, SHORT_LIVED)
    assert ping(host_lab.cli, "192.0.2.2", count=10).lost == 0
    assert wait_until(lambda: flows_in_use(daemon) == 1)
    daemon.kill9()
    assert ping(host_lab.cli, "192.0.2.2", count=10).lost == 0
    time.sleep(3.5)
    assert unanswered(host_lab.cli, "192.0.2.2", count=10)
    daemon.start()
    assert ping(host_lab.cli, "192.0.2.2", count=10).lost == 0
    assert_ends_well(daemon)


def test_idle_flows_are_removed(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw, SHORT_LIVED)
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    assert wait_until(lambda: flows_in_use(daemon) == 1)
    assert wait_until(lambda: flows_in_use(daemon) == 0, timeout_s=15)
    assert wait_until(lambda: daemon.bpfctl.json("stats")["flows"]["expired"] == 1)
    assert_ends_well(daemon)


@pytest.mark.parametrize("config", ["flows = 64\n", "flows = 0\n"])
def test_a_table_of_another_size_begins_empty(host_lab, start_pfild, config):
    daemon = start_guarding(start_pfild, host_lab.fw)
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    daemon.kill9()
    other = start_pfild(host_lab.fw, config=config, name=daemon.name)
    assert flows_in_use(other) == 0
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    assert wait_until(lambda: flows_in_use(other) == 1) if "64" in config else flows_in_use(other) == 0
    assert_ends_well(other)


def test_a_full_table_refuses_new_flows_and_every_packet_still_gets_through(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw, "flows = 4\n")
    for port in range(9000, 9010):
        flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=1000, count=20, port=port)
        assert flow.finish().clean()
    flows = daemon.bpfctl.json("stats")["flows"]
    assert flows["in_use"] == 4 and flows["refused"] >= 6 * 20, flows
    assert_ends_well(daemon)
