# SPDX-License-Identifier: BSD-2-Clause
"""Packets that reach a host, counted by nftables behind the TC ingress of an interface: what a head dropped is not seen, and a
packet that went through the engine is seen once."""
import json

_CHAIN = "table netdev meter { chain seen { type filter hook ingress device %s priority 0; %s } %s }"


class Meter:
    """Meter(lab.fw, {"telnet": "tcp dport 23"}): counts() gives packets by name. A packet counts for every match it fits."""

    def __init__(self, host, matches, interface="eth0"):
        self._host = host
        self._names = list(matches)
        rules = "; ".join(f"{match} counter name {name}" for name, match in matches.items())
        counters = " ".join(f"counter {name} {{ }}" for name in matches)
        # Counters first: a rule names one that is there.
        host.run("nft", "-f", "-", stdin=_CHAIN % (interface, rules, counters))

    def counts(self):
        listed = json.loads(self._host.run("nft", "-j", "list", "counters", "table", "netdev", "meter").stdout)
        found = {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listed["nftables"] if "counter" in entry}
        return {name: found[name] for name in self._names}
