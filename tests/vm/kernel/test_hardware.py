# SPDX-License-Identifier: BSD-2-Clause
"""A network card: the two virtio-net devices of the machine, whose wire is a hub in QEMU. Here mode auto takes XDP."""
import os
import pathlib
import subprocess

import pytest

from harness.flow import UdpFlow
from harness.judges import assert_ends_well, offloads, wait_until, xdp_program
from harness.ping import ping
from harness.rules import counted, guard


def network_cards():
    """Names of devices with the driver virtio_net in the first namespace."""
    drivers = ((path.parts[-3], os.readlink(path)) for path in pathlib.Path("/sys/class/net").glob("*/device/driver"))
    return sorted(name for name, driver in drivers if driver.endswith("/virtio_net"))


@pytest.fixture
def wired_lab(host_lab):
    """The host lab with a second link between its hosts, nic0 to nic0, by network cards: 203.0.113.1 and .2."""
    cards = network_cards()
    assert len(cards) == 2, cards
    hosts = (host_lab.cli, host_lab.fw)
    for host, card, address in zip(hosts, cards, ("203.0.113.1/24", "203.0.113.2/24")):
        subprocess.run(["ip", "link", "set", "dev", card, "netns", host.namespace, "name", "nic0"], check=True)
        host.run("ip", "address", "add", address, "dev", "nic0")
        host.run("ip", "link", "set", "dev", "nic0", "up")
    assert wait_until(lambda: ping(host_lab.cli, "203.0.113.2", count=1).lost == 0, timeout_s=20, step_s=0.5)
    yield host_lab
    for host, card in zip(hosts, cards):
        host.run("ip", "link", "set", "dev", "nic0", "down")
        host.run("ip", "link", "set", "dev", "nic0", "netns", "1", "name", card)


def test_auto_takes_xdp_and_filters_without_touching_a_checksum(wired_lab, start_pfild):
    cli, fw = wired_lab.cli, wired_lab.fw
    before = offloads(fw, "nic0")
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "nic0", "--unknown", "drop")
    status = daemon.bpfctl.interface("nic0")
    assert (status["mode"], status["mode_wanted"], status["mode_because"]) == ("xdp", "auto", ""), status
    assert status["heads"]["in"] == "xdp native, in a dispatcher"
    assert status["queues_served"] >= 1
    guard(daemon, "cbpf:blocked", "udp dst port 9001")
    assert ping(cli, "203.0.113.2", count=50, interval_ms=20).lost == 0
    assert UdpFlow(cli, fw, "203.0.113.2", rate_pps=200, count=200, port=9000).finish().clean()
    blocked = UdpFlow(cli, fw, "203.0.113.2", rate_pps=200, count=100, port=9001).finish()
    assert blocked.received == 0, blocked
    lane = daemon.bpfctl.json("stats")["interfaces"]["nic0"]["in"]
    assert lane["passed_known"] > 100 and lane["dropped_known"] + counted(daemon, "cbpf:blocked")["dropped"] == 100, lane
    guard(daemon, "cbpf:all", "len < 2000", on_match="count")
    received = lane["engine_received"]
    assert UdpFlow(cli, fw, "203.0.113.2", rate_pps=200, count=200, port=9002).finish().clean()
    lane = daemon.bpfctl.json("stats")["interfaces"]["nic0"]["in"]
    assert lane["engine_received"] - received >= 200 and lane["engine_checksums_completed"] == 0, lane
    daemon.kill9()
    assert ping(cli, "203.0.113.2", count=3).lost == 3
    daemon.start()
    assert ping(cli, "203.0.113.2", count=10, interval_ms=20).lost == 0
    daemon.bpfctl("detach", "nic0")
    assert xdp_program(fw, "nic0") is None and offloads(fw, "nic0") == before
    assert_ends_well(daemon, "nic0")
