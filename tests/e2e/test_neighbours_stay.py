# SPDX-License-Identifier: BSD-2-Clause
"""Whoever lets only something in keeps his neighbours: rules of README and docs and random ones, each on an interface of its own,
IPv4 and IPv6, behind a bridge that snoops. PFILD_NEIGHBOUR_SECONDS, PFILD_NEIGHBOUR_RULES: how long, and how many random rules."""
import itertools
import json
import os
import pathlib
import random
import re
import time

from harness.bridged_links import add_bridged_links, listeners, remove_bridged_links
from harness.judges import wait_until
from harness.rules import add_hook

SECONDS = float(os.environ.get("PFILD_NEIGHBOUR_SECONDS", "12"))
RULES = int(os.environ.get("PFILD_NEIGHBOUR_RULES", "8"))
REACHABLE_MS = 5000 if SECONDS >= 60 else 1000
AT_ONCE = 40
ROOT = pathlib.Path(__file__).resolve().parents[2]
TERMS = ("tcp dst port 22", "udp port 53", "icmp", "icmp6", "host 192.0.2.9", "net 198.51.100.0/24", "host 2001:db8::9", "ip", "ip6",
         "src net 10.0.0.0/8", "tcp[13] & 18 = 2", "ip[8] > 5", "icmp6 and ip6[40] = 128", "greater 1500", "udp portrange 1000-2000",
         "ip proto 47", "not tcp port 25", "tcp src port 443", "vlan 5", "ether host 02:00:5e:10:00:07", "ether proto 0x88b5")  # fmt: skip

# Inside a host: sends a datagram to each address twice a second, whatever becomes of it.
SENDER = """
import socket, sys, time
sockets = {family: socket.socket(family, socket.SOCK_DGRAM) for family in (socket.AF_INET, socket.AF_INET6)}
while True:
    for address in sys.argv[1:]:
        try:
            sockets[socket.AF_INET6 if ":" in address else socket.AF_INET].sendto(b"x", (address, 9))
        except OSError:
            pass  # no neighbour: who looks at those will see it
    time.sleep(0.5)
"""


def documented():
    """The filters of README and docs: what stands in quotes or code and has a word of a filter. Those about neighbours are not among
    them, nor are words that are no filter: hooks of these are refused."""
    text = "".join((ROOT / name).read_text() for name in ("README.md", "docs/filters.md", "docs/lock-out.md", "docs/configuration.md"))
    found = set(re.findall(r"`([^`\n]+)`", text)) | set(re.findall(r"--filter '([^'\n]+)'", text)) | set(re.findall(r'filter = "([^"\n]+)"', text))
    word = re.compile(r"\b(tcp|udp|ip6?|icmp6?|host|net|vlan|port|greater|less|ether)\b")
    return sorted(one for one in found if word.search(one) and "arp" not in one and "-" not in one)


def random_rules(seed):
    draw = random.Random(seed)
    while True:
        words = [f"({draw.choice(TERMS)})" for _ in range(draw.randint(1, 4))]
        yield "".join(word if at == 0 else draw.choice((" or ", " or ", " and ")) + word for at, word in enumerate(words))


def neighbours(host):
    """{(interface, address)..} of those that the host knows."""
    all_there_are = json.loads(host.run("ip", "-j", "neigh", "show").stdout)
    return {(one["dev"], one["dst"]) for one in all_there_are if "lladdr" in one and one["state"] != ["FAILED"]}


def lost(lab, links):
    """{interface: [address..]} of those that somebody looks for in vain."""
    cli, fw = neighbours(lab.cli), neighbours(lab.fw)
    missing = {
        link.name: [one for one in link.fw if (link.bridge, one) not in cli] + [one for one in link.cli if (link.name, one) not in fw]
        for link in links
    }
    return {name: addresses for name, addresses in missing.items() if addresses}


def is_rule(daemon, expression):
    """Words that are no filter are refused, as are filters that can match nothing."""
    hook = ("hook", "add", "cbpf:tried", "--filter", expression, "--on-match", "pass", "--type", "ethernet")
    if daemon.bpfctl.run(*hook).returncode != 0:
        return False
    daemon.bpfctl("hook", "delete", "cbpf:tried")
    return True


def guard_each(daemon, links, rules):
    """Each link by one rule."""
    guarded = {}
    for link, expression in zip(links, rules, strict=True):
        add_hook(daemon, f"cbpf:{link.name}", expression, "ethernet", on_match="pass", run="auto")
        daemon.bpfctl("attach", link.name)
        daemon.bpfctl("link", "-io", f"cbpf:{link.name}", link.name)
        guarded[link.name] = expression
    return guarded


class Neighbours:
    """A lab of its own, with as many links as there are rules, which all try to reach each other."""

    def __init__(self, make_lab, start_pfild, rules):
        self.lab = make_lab()
        self.daemon = start_pfild(self.lab.fw)
        self.links = add_bridged_links(self.lab, len(rules), REACHABLE_MS)
        self.guarded = guard_each(self.daemon, self.links, rules)
        self._senders = [
            self.lab.cli.popen("/usr/bin/python3", "-c", SENDER, *(address for link in self.links for address in link.fw)),
            self.lab.fw.popen("/usr/bin/python3", "-c", SENDER, *(address for link in self.links for address in link.cli)),
        ]

    def assert_known(self, timeout_s):
        assert wait_until(lambda: not lost(self.lab, self.links), timeout_s=timeout_s), (lost(self.lab, self.links), self.guarded)

    def assert_heard(self):
        """The bridges know who listens to what, or neighbour solicitations would no longer reach fw."""
        for link in self.links:
            wanted = f"ff02::1:ff00:{link.fw[1].rsplit(':', 1)[1]}"
            assert wait_until(lambda: wanted in listeners(self.lab.cli, link.bridge)), (link, self.guarded[link.name])  # noqa: B023

    def close(self):
        for sender in self._senders:
            sender.close()
        assert self.daemon.stop() == 0


def test_rules_that_let_only_something_in_keep_neighbours(make_lab, start_pfild, host_lab):
    trying = start_pfild(host_lab.fw)
    known = [expression for expression in documented() if is_rule(trying, expression)]
    assert len(known) > 5, known
    made = (rule for rule in random_rules(12) if is_rule(trying, rule))
    rules = known + list(itertools.islice(made, RULES))
    all_there_are = [Neighbours(make_lab, start_pfild, rules[at : at + AT_ONCE]) for at in range(0, len(rules), AT_ONCE)]
    for one in all_there_are:
        one.assert_known(timeout_s=60)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for one in all_there_are:
            one.assert_known(timeout_s=5)
        time.sleep(1)  # between two looks
    for one in all_there_are:
        one.assert_heard()
        one.close()
    print(f"{len(known)} rules of README and docs, {RULES} random ones, {SECONDS:.0f} s: everybody knows his neighbours")


def test_the_twin_a_rule_that_is_made_to_obey_loses_them(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    [link] = add_bridged_links(host_lab, 1, 1000)
    daemon.bpfctl("attach", link.name)
    rule = ("--filter", "tcp dst port 22", "--on-match", "pass", "--type", "ethernet", "--neighbours", "obey")
    daemon.bpfctl("hook", "add", "cbpf:only", *rule)
    daemon.bpfctl("link", "-io", "cbpf:only", link.name)
    host_lab.cli.popen("/usr/bin/python3", "-c", SENDER, *link.fw)
    assert wait_until(lambda: set(link.fw) <= set(lost(host_lab, [link]).get(link.name, [])), timeout_s=30)
    assert wait_until(lambda: not listeners(host_lab.cli, link.bridge), timeout_s=30)
