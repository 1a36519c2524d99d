# SPDX-License-Identifier: BSD-2-Clause
"""More veth pairs between the hosts of a lab; at cli's end each is the port of a bridge that snoops on multicast listeners and asks
for them, so that nothing sent to a group reaches fw unless fw's reports have reached the bridge."""
from dataclasses import dataclass

BRIDGE = "mcast_snooping 1 mcast_querier 1 mcast_mld_version 2 mcast_query_interval 200 mcast_query_response_interval 100"
MEMBERSHIP = "mcast_membership_interval 500 mcast_querier_interval 500 mcast_startup_query_interval 100"


@dataclass(frozen=True)
class BridgedLink:
    name: str  # of fw's end
    bridge: str  # of cli, with its addresses
    cli: tuple  # addresses, IPv4 and IPv6
    fw: tuple


def add_bridged_links(lab, count, reachable_ms):
    """Neighbours are looked for again when nothing was heard of them for some `reachable_ms`."""
    links = []
    for number in range(count):
        cli, fw = ((f"198.18.{number}.{host}", f"2001:db8:18:{number + 1:x}::{host}") for host in (1, 2))
        links.append(BridgedLink(f"link{number}", f"br{number}", cli, fw))
    for link in links:
        lab.fw.run("ip", "link", "add", link.name, "type", "veth", "peer", "name", f"{link.name}c", "netns", lab.cli.namespace)
        lab.cli.run("ip", "link", "add", link.bridge, "type", "bridge", *BRIDGE.split(), *MEMBERSHIP.split())
        lab.cli.run("ip", "link", "set", f"{link.name}c", "master", link.bridge, "up")
        for host, interface, addresses in ((lab.cli, link.bridge, link.cli), (lab.fw, link.name, link.fw)):
            for family, address, length in (("ipv4", addresses[0], 24), ("ipv6", addresses[1], 64)):
                host.run("sysctl", "-qw", f"net.{family}.neigh.{interface}.base_reachable_time_ms={reachable_ms}")
                host.run("sysctl", "-qw", f"net.{family}.neigh.{interface}.delay_first_probe_time=1")
                host.run("ip", "address", "add", f"{address}/{length}", "dev", interface, *(["nodad"] if family == "ipv6" else []))
            host.run("ip", "link", "set", "dev", interface, "up")
    return links


def remove_bridged_links(lab, links):
    for link in links:
        lab.fw.run("ip", "link", "delete", link.name)
        lab.cli.run("ip", "link", "delete", link.bridge)


def listeners(host, bridge):
    """The groups that somebody behind the bridge's ports listens to; the bridge itself is none of these."""
    lines = host.run("bridge", "mdb", "show", "dev", bridge).stdout.splitlines()
    heard = [words for words in map(str.split, lines) if "grp" in words and words[words.index("port") + 1] != bridge]
    return {words[words.index("grp") + 1] for words in heard}
