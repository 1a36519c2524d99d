# SPDX-License-Identifier: BSD-2-Clause
"""Large frames, which the engine holds in several buffers, and interfaces whose MTU changes while they are attached."""
import json

import pytest

from harness.judges import wait_until
from harness.ping import BLOCKED_S, ping

PING = 8900  # bytes, without the headers of ICMP and IP
DO_NOT_FRAGMENT = ("-M", "do")
TRANSFER = 20_000_000  # bytes
FAMILIES = ["ipv4", "ipv6"]


def jumbo_ping(host, address, **options):
    return ping(host, address, size_bytes=PING, options=DO_NOT_FRAGMENT, **options)


def port_mtus(daemon, interface="eth0"):
    ports = daemon.bpfctl.interface(interface)["port_pair"].values()
    return {json.loads(daemon.host.run("ip", "-j", "link", "show", "dev", port).stdout)[0]["mtu"] for port in ports}


def ports_follow(daemon, mtu):
    """The ports have room for the label and what belongs to the frame; `status` knows the MTU."""
    return wait_until(lambda: port_mtus(daemon) == {mtu + 8} and daemon.bpfctl.interface("eth0")["mtu"] == mtu)


def test_pings_of_8900_bytes_pass_in_one_piece(host_lab, detour):
    host_lab.set_mtu(9000)
    way = detour(host_lab.fw)
    assert ports_follow(way.daemon, 9000)
    for family in FAMILIES:
        with way.watch() as went:
            result = jumbo_ping(host_lab.cli, getattr(host_lab.fw.eth0, family), count=200)
        assert (result.sent, result.lost, result.duplicates) == (200, 0, 0)
        for direction in ("in", "out"):
            assert went.whole(direction, 200)
            assert went.lane(direction)["engine_received_bytes"] > 200 * PING
            assert went.lane(direction)["engine_received"] < 220  # not in fragments


def test_pings_of_every_length_around_the_ends_of_buffers_come_back_as_they_were(host_lab, detour):
    host_lab.set_mtu(9000)
    way = detour(host_lab.fw)
    for family in FAMILIES:
        headers = {"ipv4": 42, "ipv6": 62}[family]  # Ethernet, IP, ICMP
        lengths = [end - headers + slack for end in (3840, 4096, 7680, 8192) for slack in range(-260, 5, 4)]
        target = getattr(host_lab.fw.eth0, family)
        # Without -q ping(8) compares what comes back with what it sent, and says so.
        script = f"for s in $*; do said=$(ping -n -c 1 -W 1 -M do -s $s {target}) && [[ $said != *wrong* ]] || echo $s; done"
        with way.watch() as went:
            done = host_lab.cli.run("bash", "-c", script, "sh", *lengths)
        assert done.stdout == ""
        assert went.whole("in", len(lengths)) and went.whole("out", len(lengths))


@pytest.mark.parametrize("topology, interfaces, client, target", [
    ("host", ("eth0",), "cli", "fw"), ("router", ("eth0", "eth1"), "cli", "srv"),
])  # fmt: skip
def test_tcp_with_large_packets_arrives_unchanged(make_lab, detour, serve_http, topology, interfaces, client, target):
    lab = make_lab(topology)
    lab.set_mtu(9000)
    way = detour(lab.fw, *interfaces)
    client, target = getattr(lab, client), getattr(lab, target)
    server = serve_http(target)
    for address in (target.eth0.ipv4, target.eth0.ipv6):
        for transfer, bulk in ((server.download, "out"), (server.upload, "in")):
            with way.watch() as went:
                done = transfer(client, address, TRANSFER)
            assert done.ok, (address, bulk, done.error)
            lane = went.lane(bulk)
            assert lane["engine_received_bytes"] > TRANSFER and lane["passed_unhooked"] == 0
            assert lane["engine_received_bytes"] / lane["engine_received"] > 5000, lane  # large packets indeed


def test_the_ports_follow_an_mtu_that_grows_and_shrinks_while_attached(host_lab, detour):
    way = detour(host_lab.fw)
    cli, address = host_lab.cli, "192.0.2.2"
    assert jumbo_ping(cli, address, count=3, patience_s=BLOCKED_S).received == 0  # MTU 1500: not even sent
    for mtu, size in ((9000, PING), (1500, 1472), (4000, 3972), (9000, 8972), (1500, 1472)):
        host_lab.set_mtu(mtu)
        assert ports_follow(way.daemon, mtu), mtu
        with way.watch() as went:
            result = ping(cli, address, count=50, size_bytes=size, options=DO_NOT_FRAGMENT)
        assert result.lost == 0, mtu
        assert went.whole("in", 50) and went.whole("out", 50)
    assert jumbo_ping(cli, address, count=3, patience_s=BLOCKED_S).received == 0
    assert way.daemon.bpfctl.interface("eth0")["state"] == "attached"


def test_a_transfer_survives_changes_of_the_mtu(host_lab, detour, serve_http):
    way = detour(host_lab.fw)
    server = serve_http(host_lab.fw)
    for seed, mtu in enumerate((9000, 1500, 9000, 1500)):
        host_lab.set_mtu(mtu)  # no wait: the ports follow while the packets come
        done = server.upload(host_lab.cli, "192.0.2.2", TRANSFER // 3, seed)
        assert done.ok, (mtu, done.error)
    assert ports_follow(way.daemon, 1500)
