# SPDX-License-Identifier: BSD-2-Clause
"""Mode xdp on an interface of several receive queues: each has a socket, or its packets are left to the TC head and counted."""
import contextlib
import json
import struct

import pytest
from scapy.all import IP, UDP, Ether, IPv6, Raw

from harness.container import send_back_with_metadata, show_metadata
from harness.datagrams import Listener
from harness.flow import UdpFlow
from harness.frames import FramePort
from harness.held import held
from harness.judges import assert_ends_well, wait_until
from harness.occupants import remove_head
from harness.ping import ping
from harness.rules import counted, guard

PER_PACKET = "len < 2000"  # never the flow's alone: every packet goes up


def make_mq0(lab, queues, used):
    """A veth pair between cli and fw, 203.0.113.1 and .2, of which `used` queues are in use."""
    of = ["numrxqueues", queues, "numtxqueues", queues]
    lab.fw.run("ip", "link", "add", "mq0", *of, "type", "veth", "peer", "name", "mq0", "netns", lab.cli.namespace, *of)
    for host, address in ((lab.cli, "203.0.113.1/24"), (lab.fw, "203.0.113.2/24")):
        host.run("ethtool", "-L", "mq0", "rx", used, "tx", used)
        host.run("ip", "address", "add", address, "dev", "mq0")
        host.run("ip", "link", "set", "dev", "mq0", "up")


def queue_counts(host):
    """Packets by receive queue of mq0, as veth counts them."""
    lines = host.run("ethtool", "-S", "mq0").stdout.splitlines()
    return [int(line.split(":")[1]) for line in lines if "rx_queue_" in line and "xdp_packets" in line]


def lane_in(daemon, interface):
    return daemon.bpfctl.json("stats")["interfaces"][interface]["in"]


def queue_sockets_of(daemon):
    """The id of the map in which XDP heads find the sockets of receive queues (bpf/maps.h)."""
    [found] = [one["id"] for one in held(daemon, "map") if one.get("name") == "queue_sockets"]
    return found


def test_every_receive_queue_is_served_also_those_that_come_later(host_lab, start_pfild):
    cli, fw = host_lab.cli, host_lab.fw
    make_mq0(host_lab, queues=4, used=2)
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "mq0", "--mode", "xdp", "--unknown", "drop")
    guard(daemon, "cbpf:all", PER_PACKET, on_match="count")
    assert daemon.bpfctl.interface("mq0")["queues_served"] == 2
    fw.run("ethtool", "-L", "mq0", "rx", "4")
    assert wait_until(lambda: daemon.bpfctl.interface("mq0")["queues_served"] == 4, timeout_s=3)
    cli.run("ethtool", "-L", "mq0", "tx", "4")
    for port in range(9000, 9016):  # the sender's queue, and so the receiver's, goes by the hash of the flow
        assert UdpFlow(cli, fw, "203.0.113.2", rate_pps=5000, count=200, port=port).finish().clean()
    assert len([count for count in queue_counts(fw) if count >= 200]) >= 3, queue_counts(fw)
    lane = lane_in(daemon, "mq0")
    assert lane["engine_received"] >= 16 * 200 and lane["unserved_queue"] == 0, str(lane)
    fw.run("ip", "link", "delete", "mq0")
    assert wait_until(lambda: daemon.bpfctl.json("status")["interfaces"] == [])
    assert_ends_well(daemon)


def test_packets_of_a_queue_without_a_socket_are_counted_and_decided_all_the_same(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp", "--unknown", "drop")
    sockets = queue_sockets_of(daemon)
    guard(daemon, "cbpf:no-telnet", "udp dst port 9001")
    guard(daemon, "cbpf:all", PER_PACKET, on_match="count")
    assert lane_in(daemon, "eth0")["unserved_queue"] == 0
    host_lab.fw.run("bpftool", "map", "delete", "id", sockets, "key", 0, 0, 0, 0)
    assert UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=2000, count=500).finish().clean()
    assert UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=2000, count=500, port=9001).finish().received == 0
    assert lane_in(daemon, "eth0")["unserved_queue"] >= 1000
    assert counted(daemon, "cbpf:all")["seen"] >= 500
    assert_ends_well(daemon)


def mark_of(daemon):
    """The two words that say in front of a packet that the XDP head of the first attachment has let it pass (struct pfild_secret)."""
    [secrets] = [one["id"] for one in held(daemon, "map") if one.get("name") == "secrets"]
    shown = daemon.host.run("bpftool", "-j", "map", "lookup", "id", secrets, "key", 0, 0, 0, 0)
    return struct.unpack("=II", bytes(int(one, 16) for one in json.loads(shown.stdout)["value"])[24:])


def test_a_mark_that_a_neighbour_has_read_leads_past_no_rule_where_a_queue_has_no_socket(host_lab, start_pfild, tmp_path):
    """The TC head decides there, and takes a mark of the XDP head for a decision."""
    cli, fw = host_lab.cli, host_lab.fw
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    guard(daemon, "cbpf:blocked", "udp dst port 9001 and greater 1")  # of each packet: no answer holds for its flow
    fw.run("bpftool", "map", "delete", "id", queue_sockets_of(daemon), "key", 0, 0, 0, 0)
    send_back_with_metadata(cli, tmp_path, mark_of(daemon))
    before = lane_in(daemon, "eth0")["unserved_queue"]
    with FramePort(fw) as port, Listener(fw, 9001) as closed, Listener(fw, 9002) as opened:
        for target in (9001, 9002):
            packet = IP(src="192.0.2.2", dst="192.0.2.1") / UDP(sport=target, dport=7) / Raw(b"back")
            port.send(*[Ether(src=fw.eth0.mac, dst=cli.eth0.mac) / packet] * 50)
        assert wait_until(lambda: len(opened.heard()) == 50), lane_in(daemon, "eth0")
        assert lane_in(daemon, "eth0")["unserved_queue"] >= before + 100
        assert closed.heard() == []
    assert_ends_well(daemon)


def route_back(lab):
    """What cli sends to 203.0.113.9 or 2001:db8:9::9 by way of fw comes back to cli, whose addresses these are."""
    cli, fw = lab.cli, lab.fw
    fw.run("ip", "route", "add", "203.0.113.9", "via", "192.0.2.1")
    fw.run("ip", "route", "add", "2001:db8:9::9", "via", "2001:db8:1::1")
    cli.run("ip", "address", "add", "203.0.113.9", "dev", "lo")
    cli.run("ip", "address", "add", "2001:db8:9::9", "dev", "lo", "nodad")
    for host in (cli, fw):
        loose = [f"net.ipv4.conf.{one}.rp_filter=0" for one in ("all", "eth0")]
        host.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", *loose)
    cli.run("sysctl", "-qw", "net.ipv4.conf.eth0.accept_local=1")


def marks_that_come_back(lab, family, count=50):
    """What is in front of `count` packets of cli's own that fw sends back to it, each with room for that."""
    cli, fw = lab.cli, lab.fw
    there = IP(src="192.0.2.1", dst="203.0.113.9") if family == "ipv4" else IPv6(src="2001:db8:1::1", dst="2001:db8:9::9")
    datagram = UDP(sport=5, dport=5555, **({"chksum": 0} if family == "ipv4" else {})) / Raw(bytes(10))
    with FramePort(cli) as port, Listener(cli, 5555) as listener:
        port.send(*[Ether(src=cli.eth0.mac, dst=fw.eth0.mac) / there / datagram] * count)
        assert wait_until(lambda: len(listener.heard()) == count), f"{len(listener.heard())} of {count} came back"
        return [one.data[2:] for one in listener.heard()]


@contextlib.contextmanager
def captured(host, how):
    """A packet socket shares each packet with the heads; tcpdump's ring has copies."""
    if how == "tcpdump":
        tcpdump = host.popen("tcpdump", "-n", "--immediate-mode", "-s", 100, "-l", "-i", "eth0", "-Q", "in", "udp", "port", 5555)
        tcpdump.wait_for_output("listening on")
        yield
        assert wait_until(lambda: tcpdump.stdout.count("5555") >= 50), tcpdump.stdout
        tcpdump.close()
    elif how == "shared":
        with FramePort(host):
            yield
    else:
        yield


@pytest.mark.parametrize("capture", ["none", "tcpdump", "shared"])
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize("tc_attach", ["tcx", "clsact"])
def test_the_mark_of_an_xdp_head_stays_on_the_host(host_lab, start_pfild, tmp_path, tc_attach, family, capture):
    daemon = start_pfild(host_lab.fw, config="" if tc_attach == "tcx" else 'tc_attach = "clsact"\n')
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    route_back(host_lab)
    show_metadata(host_lab.cli, tmp_path)
    with captured(host_lab.fw, capture):
        marked = [mark for mark in marks_that_come_back(host_lab, family) if any(mark)]
        assert len(marked) == 0
    assert_ends_well(daemon)


def test_a_mark_is_worth_nothing_once_it_could_leave_while_the_tc_head_was_away(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    before = mark_of(daemon)
    remove_head(host_lab.fw, "eth0", "ingress")
    assert wait_until(lambda: mark_of(daemon) != before)
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    assert_ends_well(daemon)


def test_more_queues_than_can_be_served_are_refused_and_mode_tc_is_not(host_lab, start_pfild):
    make_mq0(host_lab, queues=65, used=65)
    daemon = start_pfild(host_lab.fw)
    refusal = daemon.bpfctl.refused("attach", "mq0", "--mode", "xdp")
    assert refusal.exit_code == 1 and "serve mq0: it has 65 receive queues, 64 can be served" in refusal.line, refusal
    assert daemon.bpfctl.json("status")["interfaces"] == []
    daemon.bpfctl("attach", "mq0", "--mode", "tc")
    guard(daemon, "cbpf:all", PER_PACKET, on_match="count")
    assert ping(host_lab.cli, "203.0.113.2", count=5).lost == 0
    assert_ends_well(daemon, "mq0")


def test_queues_for_which_there_is_too_little_packet_memory_are_refused(host_lab, start_pfild):
    make_mq0(host_lab, queues=32, used=32)
    daemon = start_pfild(host_lab.fw, config="buffers = 4096\n")
    refusal = daemon.bpfctl.refused("attach", "mq0", "--mode", "xdp")
    assert refusal.exit_code == 1 and "not enough packet memory for its 32 receive queues" in refusal.line, refusal
    assert "buffers" in refusal.line
    for host in (host_lab.cli, host_lab.fw):  # its twin
        host.run("ethtool", "-L", "mq0", "rx", "2", "tx", "2")
    daemon.bpfctl("attach", "mq0", "--mode", "xdp")
    assert daemon.bpfctl.interface("mq0")["queues_served"] == 2
    assert ping(host_lab.cli, "203.0.113.2", count=5).lost == 0
    assert_ends_well(daemon, "mq0")
