# SPDX-License-Identifier: BSD-2-Clause
"""What netfilter sees of some packets at each of its hooks."""
import json

FAMILY = "inet"
TABLE = "seen"


class Seen:
    """with Seen(lab.fw, {"input": {"from eth0": 'iifname "eth0" udp dport 9'}}) as seen: seen.counts() == {"input from eth0": 20}.

    Rules that saw nothing are left out, so a dictionary says what was seen and that nothing else was.
    """

    def __init__(self, host, rules):
        self._host = host
        counters, chains = [], []
        for hook, matches in rules.items():
            chains += [f"chain {hook} {{", f"type filter hook {hook} priority 0"]
            for label, match in matches.items():
                name = f"{hook}_{label}".replace(" ", "_")
                counters.append(f"counter {name} {{ }}")
                chains.append(f"{match} counter name {name}")
            chains.append("}")
        lines = [f"table {FAMILY} {TABLE} {{", *counters, *chains, "}"]
        host.run("nft", "-f", "-", stdin="\n".join(lines) + "\n")

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._host.run("nft", "delete", "table", FAMILY, TABLE)

    def counts(self):
        listed = json.loads(self._host.run("nft", "-j", "list", "counters", "table", FAMILY, TABLE).stdout)["nftables"]
        every = {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listed if "counter" in entry}
        return {name.replace("_", " "): count for name, count in every.items() if count}


def at_every_hook(match, interfaces):
    """Rules that tell by which interface; "other" is every other one, ports of pfild among them."""
    others = "{ " + ", ".join(f'"{name}"' for name in interfaces) + " }"
    rules = {}
    for hook, key in (("prerouting", "iifname"), ("input", "iifname"), ("output", "oifname"), ("postrouting", "oifname")):
        rules[hook] = {name: f'{key} "{name}" {match}' for name in interfaces}
        rules[hook]["other"] = f"{key} != {others} {match}"
    rules["forward"] = {
        f"{one} to {another}": f'iifname "{one}" oifname "{another}" {match}' for one in interfaces for another in interfaces
    }
    return rules
