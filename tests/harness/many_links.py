# SPDX-License-Identifier: BSD-2-Clause
"""More veth pairs between the hosts of a lab, named alike at both ends."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    name: str
    cli: str  # IPv4 addresses
    fw: str


def add_links(lab, count):
    """link0, link1, ..; both ends are up and know each other."""
    links = [Link(f"link{number}", f"198.18.{number}.1", f"198.18.{number}.2") for number in range(count)]
    for link in links:
        lab.fw.run("ip", "link", "add", link.name, "type", "veth", "peer", "name", link.name, "netns", lab.cli.namespace)
        for host, address in ((lab.cli, link.cli), (lab.fw, link.fw)):
            host.run("ip", "address", "add", f"{address}/24", "dev", link.name)
            host.run("ip", "link", "set", "dev", link.name, "up")
    return links
