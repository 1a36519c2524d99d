# SPDX-License-Identifier: BSD-2-Clause
"""Multicast and broadcast that the host sends itself, and its own listeners: they get their copies, whatever the rules ask."""
import pytest

from harness.datagrams import Listener, content, send
from harness.device import Device
from harness.judges import assert_ends_well, wait_until
from harness.rules import guard

TARGETS = ["239.1.2.3", "192.0.2.255", "255.255.255.255", "ff02::123"]
GROUPS = ("239.1.2.3", "ff02::123")


def start_guarding(start_pfild, host):
    daemon = start_pfild(host)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:every-frame", "greater 0", kind="ethernet", on_match="count")
    guard(daemon, "cbpf:telnet", "tcp dst port 23", direction="i")
    return daemon


def incoming(daemon):
    return daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]


@pytest.mark.parametrize("target", TARGETS)
def test_ten_of_ten_copies_arrive_here_and_at_the_neighbour(host_lab, start_pfild, target):
    daemon = start_guarding(start_pfild, host_lab.fw)
    with Listener(host_lab.fw, 9, GROUPS) as here, Listener(host_lab.cli, 9, GROUPS) as there:
        before = incoming(daemon).get("passed_looped", 0)
        send(host_lab.fw, target, count=10)
        assert wait_until(lambda: len(there.heard()) >= 10)
        wait_until(lambda: len(here.heard()) >= 10, timeout_s=2)
        assert [one.data for one in here.heard()] == [content(100)] * 10
        assert [one.data for one in there.heard()] == [content(100)] * 10
        assert incoming(daemon)["passed_looped"] >= before + 10
    assert_ends_well(daemon)


def test_what_comes_from_the_neighbour_is_still_asked_about(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
    guard(daemon, "cbpf:groups", "udp dst port 9", direction="i")
    with Listener(host_lab.fw, 9, GROUPS) as here:
        send(host_lab.cli, GROUPS[0], count=10)
        assert wait_until(lambda: incoming(daemon)["engine_dropped"] + incoming(daemon)["dropped_known"] >= 10)
        assert here.heard() == []
    assert incoming(daemon)["passed_looped"] == 0
    assert_ends_well(daemon)


def test_a_capture_shows_what_is_sent_once_and_whole(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
    with Listener(host_lab.fw, 9, GROUPS) as here, Device(daemon, "eth0", "", immediate=True) as device:
        send(host_lab.fw, GROUPS[0], count=10)
        records = []

        def seen():
            records.extend(device.read_all())
            return len([one for one in records if content(100) in one.data]) >= 10

        assert wait_until(seen)
        wait_until(lambda: len(here.heard()) >= 10, timeout_s=2)
        seen()
    ours = [one for one in records if content(100) in one.data]
    assert [(one.direction, one.length, one.data[12:14]) for one in ours] == [("out", 142, b"\x08\x00")] * 10
    assert_ends_well(daemon)


def test_a_neighbours_own_copies_are_none_of_ours_when_it_sends_them_on(host_lab, start_pfild):
    """A container can redirect what is looped back to it; the kernel gives that another type when it comes out."""
    daemon = start_guarding(start_pfild, host_lab.fw)
    cli = host_lab.cli
    cli.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    looped = ("protocol", "ip", "pref", 1, "u32", "match", "ip", "src", "192.0.2.1")
    cli.run("tc", "filter", "add", "dev", "eth0", "ingress", *looped, "action", "mirred", "egress", "redirect", "dev", "eth0")
    before = incoming(daemon)
    with Listener(cli, 9, GROUPS):
        send(cli, GROUPS[0], count=10)
        ours = ("diverted", "passed_unhooked", "passed_known")
        assert wait_until(lambda: sum(incoming(daemon)[one] - before[one] for one in ours) >= 20), incoming(daemon)
    assert incoming(daemon)["passed_looped"] == 0
    assert_ends_well(daemon)
