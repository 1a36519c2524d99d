# SPDX-License-Identifier: BSD-2-Clause
"""Mode xdp on an interface of several receive queues: each has a socket, or its packets are left to the TC head and counted."""
import struct

from scapy.all import IP, UDP, Ether, Raw

from harness.container import send_back_with_metadata, show_metadata
from harness.datagrams import Listener
from harness.flow import UdpFlow
from harness.frames import FramePort
from harness.held import held
from harness.judges import assert_ends_well, wait_until
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


def seen_mark(lab, folder):
    """The two words that fw puts in front of what it has decided, as cli reads them in its own packet that fw sends back to it."""
    cli, fw = lab.cli, lab.fw
    for host, words in ((fw, ("route", "add", "203.0.113.9", "via", "192.0.2.1")), (cli, ("address", "add", "203.0.113.9", "dev", "lo"))):
        host.run("ip", *words)
    for host in (cli, fw):
        host.run("sysctl", "-qw", "net.ipv4.ip_forward=1", *(f"net.ipv4.conf.{one}.rp_filter=0" for one in ("all", "eth0")))
    cli.run("sysctl", "-qw", "net.ipv4.conf.eth0.accept_local=1")
    show_metadata(cli, folder)
    there_and_back = IP(src="192.0.2.1", dst="203.0.113.9") / UDP(sport=5, dport=5555, chksum=0) / Raw(bytes(10))
    with FramePort(cli) as port, Listener(cli, 5555) as listener:
        port.send(Ether(src=cli.eth0.mac, dst=fw.eth0.mac) / there_and_back)
        assert wait_until(listener.heard)
        return struct.unpack("=II", listener.heard()[0].data[2:])


def test_a_mark_that_a_neighbour_has_read_leads_past_no_rule_where_a_queue_has_no_socket(host_lab, start_pfild, tmp_path):
    """The TC head decides there, and takes a mark of the XDP head for a decision."""
    cli, fw = host_lab.cli, host_lab.fw
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "eth0", "--mode", "xdp")
    mark = seen_mark(host_lab, tmp_path)
    assert mark != (0, 0), "it was not in front of any"
    guard(daemon, "cbpf:blocked", "udp dst port 9001 and greater 1")  # of each packet: no answer holds for its flow
    fw.run("bpftool", "map", "delete", "id", queue_sockets_of(daemon), "key", 0, 0, 0, 0)
    send_back_with_metadata(cli, tmp_path, mark)
    before = lane_in(daemon, "eth0")["unserved_queue"]
    with FramePort(fw) as port, Listener(fw, 9001) as closed, Listener(fw, 9002) as opened:
        for target in (9001, 9002):
            packet = IP(src="192.0.2.2", dst="192.0.2.1") / UDP(sport=target, dport=7) / Raw(b"back")
            port.send(*[Ether(src=fw.eth0.mac, dst=cli.eth0.mac) / packet] * 50)
        assert wait_until(lambda: len(opened.heard()) == 50), lane_in(daemon, "eth0")
        assert lane_in(daemon, "eth0")["unserved_queue"] >= before + 100
        assert closed.heard() == []
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
    daemon = start_pfild(host_lab.fw, config="frames = 4096\n")
    refusal = daemon.bpfctl.refused("attach", "mq0", "--mode", "xdp")
    assert refusal.exit_code == 1 and "not enough packet memory for its 32 receive queues" in refusal.line, refusal
    assert "frames" in refusal.line
    for host in (host_lab.cli, host_lab.fw):  # its twin
        host.run("ethtool", "-L", "mq0", "rx", "2", "tx", "2")
    daemon.bpfctl("attach", "mq0", "--mode", "xdp")
    assert daemon.bpfctl.interface("mq0")["queues_served"] == 2
    assert ping(host_lab.cli, "203.0.113.2", count=5).lost == 0
    assert_ends_well(daemon, "mq0")
