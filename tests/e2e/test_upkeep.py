# SPDX-License-Identifier: BSD-2-Clause
"""What keeps a link up (ARP, discovery of neighbours and listeners, control frames) is asked of the hooks that tell it from other
packets, and of no others: a rule about it is obeyed, and one about something else locks nobody out. What can match nothing is refused."""
import pytest
from scapy.all import ICMPv6ND_RA, IPv6, Ether

from harness.frames import FramePort
from harness.judges import wait_until
from harness.meter import Meter
from harness.neighbours import forget_neighbours, neighbour_resolves
from harness.ping import ping, unanswered
from harness.rules import add_hook, counted, guard

RUNS = pytest.mark.parametrize("run", ["engine", "kernel"])
ADDRESSES = {"192.0.2.2": "192.0.2.1", "2001:db8:1::2": "2001:db8:1::1"}
ADVERTISEMENT = "icmp6 and ip6[40] = 134"

# What is let in, and nothing else: rules of README and docs among them.
ALLOWANCES = [
    ("inet", "tcp dst port 22"),
    ("inet", "net 192.0.2.0/24"),
    ("inet6", "tcp dst port 22"),
    ("inet6", "icmp6 and ip6[40] = 128"),
    ("inet6", "src net 2001:db8:9::/48"),
    ("ethernet", "tcp dst port 443 or udp port 53"),
    ("ethernet", "host 198.51.100.7"),
    ("ethernet", "ip and not tcp port 23"),
    ("ethernet", "vlan 5 and tcp"),
    ("ethernet", "greater 2000"),
    ("ethernet", "ether[12:2] = 0x88b5"),
]


@pytest.fixture
def daemon(host_lab, start_pfild):
    running = start_pfild(host_lab.fw)
    running.bpfctl("attach", "eth0")
    return running


@RUNS
def test_a_rule_about_arp_is_obeyed(host_lab, daemon, run):
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    guard(daemon, "cbpf:arp", "arp", "ethernet", direction="i", run=run)
    forget_neighbours(host_lab.cli)
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    assert wait_until(lambda: counted(daemon, "cbpf:arp")["dropped"] > 0)
    assert neighbour_resolves(host_lab.cli, "2001:db8:1::2")
    daemon.bpfctl("unlink", "-i", "cbpf:arp", "ethernet")
    assert neighbour_resolves(host_lab.cli, "192.0.2.2")


@RUNS
@pytest.mark.parametrize("kind", ["inet6", "ethernet"])
def test_a_rule_about_router_advertisements_is_obeyed_and_neighbours_resolve(host_lab, daemon, kind, run):
    arriving = Meter(host_lab.fw, {"forged": "icmpv6 type nd-router-advert", "end": "ether type 0x88b5"})
    forged = Ether(src=host_lab.cli.eth0.mac, dst="33:33:00:00:00:01") / IPv6(src="fe80::bad", dst="ff02::1", hlim=255) / ICMPv6ND_RA()
    end = Ether(src=host_lab.cli.eth0.mac, dst=host_lab.fw.eth0.mac, type=0x88B5) / bytes(46)

    def arrived(sent):
        before = arriving.counts()
        with FramePort(host_lab.cli) as port:
            port.send_last(*[forged] * 5, *[end] * sent)
        assert wait_until(lambda: arriving.counts()["end"] - before["end"] == sent)
        return arriving.counts()["forged"] - before["forged"]

    guard(daemon, "cbpf:advertisement", ADVERTISEMENT, kind, direction="i", run=run)
    arrived(1)
    assert wait_until(lambda: counted(daemon, "cbpf:advertisement")["dropped"] == 5)
    assert arriving.counts()["forged"] == 0
    assert neighbour_resolves(host_lab.cli, "2001:db8:1::2") and neighbour_resolves(host_lab.cli, "192.0.2.2")
    daemon.bpfctl("unlink", "-i", "cbpf:advertisement", kind)
    assert arrived(2) == 5


def test_rules_that_let_only_something_in_lock_no_neighbour_out(host_lab, daemon):
    for kind, expression in ALLOWANCES:
        guard(daemon, "cbpf:only", expression, kind, on_match="pass")
        for there, here in ADDRESSES.items():
            assert neighbour_resolves(host_lab.cli, there), (kind, expression)
            assert neighbour_resolves(host_lab.fw, here), (kind, expression)
        assert daemon.bpfctl.hook("cbpf:only")["asked_about"] == []
        daemon.bpfctl("hook", "delete", "cbpf:only")


def test_neighbours_can_be_obeyed_or_passed_whatever_the_rule_tells_apart(host_lab, daemon):
    daemon.bpfctl("hook", "add", "cbpf:web", "--filter", "tcp port 80", "--on-match", "pass", "--type", "ethernet", "--neighbours", "obey")
    daemon.bpfctl("link", "-i", "cbpf:web", "ethernet")
    forget_neighbours(host_lab.cli)
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    assert {"ARP", "neighbour solicitations", "LLDP"} <= set(daemon.bpfctl.hook("cbpf:web")["asked_about"])
    daemon.bpfctl("hook", "delete", "cbpf:web")
    daemon.bpfctl("hook", "add", "cbpf:arp", "--filter", "arp", "--on-match", "drop", "--type", "ethernet", "--neighbours", "pass")
    daemon.bpfctl("link", "-i", "cbpf:arp", "ethernet")
    assert neighbour_resolves(host_lab.cli, "192.0.2.2")
    assert daemon.bpfctl.hook("cbpf:arp")["neighbours"] == "pass"


def test_with_nobody_there_what_rules_are_asked_about_passes(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--unknown", "drop")
    guard(daemon, "cbpf:arp", "arp", "ethernet", direction="i")
    daemon.kill9()
    assert neighbour_resolves(host_lab.cli, "192.0.2.2")


def test_a_rule_that_can_match_nothing_is_refused_and_taken_by_force(daemon):
    rule = ("--filter", "ip6", "--on-match", "drop", "--type", "inet")
    refused = daemon.bpfctl.refused("hook", "add", "cbpf:nothing", *rule)
    assert "can match no packet" in refused.line and "--force" in refused.line
    assert daemon.bpfctl.json("hooks")["hooks"] == []
    daemon.bpfctl("hook", "add", "cbpf:nothing", *rule, "--force")
    assert daemon.bpfctl.hook("cbpf:nothing")["forced"]
    assert "can match no packet of its type" in daemon.bpfctl("hooks")
    add_hook(daemon, "cbpf:arp", "arp", "ethernet")
    assert "cbpf:arp is asked about ARP" in daemon.bpfctl("hooks")
