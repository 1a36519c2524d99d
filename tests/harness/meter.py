# SPDX-License-Identifier: BSD-2-Clause
"""Packets that reach a host, counted by nftables behind the TC ingress of an interface: what a head dropped is not seen, and a
packet that went through the engine is seen once."""
import json


class Meter:
    """Meter(lab.fw, {"telnet": "tcp dport 23"}): counts() gives packets by name. A packet counts for every match it fits."""

    def __init__(self, host, matches, interface="eth0"):
        self._host = host
        self._names = list(matches)
        hook = f"type filter hook ingress device {interface} priority 0;"
        script = ["add table netdev metering", f"add chain netdev metering seen {{ {hook} }}"]
        script += [f"add counter netdev metering seen_{name}" for name in matches]
        script += [f"add rule netdev metering seen {match} counter name seen_{name}" for name, match in matches.items()]
        host.run("nft", "-f", "-", stdin="\n".join(script) + "\n")

    def counts(self):
        listed = json.loads(self._host.run("nft", "-j", "list", "counters", "table", "netdev", "metering").stdout)
        found = {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listed["nftables"] if "counter" in entry}
        return {name: found[f"seen_{name}"] for name in self._names}


class PassedPorts:
    """The destination ports of packets that reach a host behind the TC ingress of an interface, of those that carry a mark: a time
    to live, or hop limit, of `mark`. TCP and UDP, in tags or not."""

    def __init__(self, host, mark, interface="eth0"):
        self._host = host
        hook = f"type filter hook ingress device {interface} priority 0;"
        script = ["add table netdev passing", f"add chain netdev passing seen {{ {hook} }}"]
        script.append("add set netdev passing ports { type inet_service; size 65535; flags dynamic; }")
        for field in (f"ip ttl {mark}", f"ip6 hoplimit {mark}"):
            script.append(f"add rule netdev passing seen {field} add @ports {{ th dport }}")
        host.run("nft", "-f", "-", stdin="\n".join(script) + "\n")

    def ports(self):
        listed = json.loads(self._host.run("nft", "-j", "list", "set", "netdev", "passing", "ports").stdout)
        found = next(entry["set"] for entry in listed["nftables"] if "set" in entry)
        return {element["elem"]["val"] if isinstance(element, dict) else element for element in found.get("elem", [])}
