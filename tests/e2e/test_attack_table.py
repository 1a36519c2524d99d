# SPDX-License-Identifier: BSD-2-Clause
"""Every row of the attack table (tests/frames/attack_table.cpp) is sent to a host with open doors, behind pfild: none gets to a door
that is closed by rules, and none is kept from one that is open. A twin without pfild says what gets there at all."""
from dataclasses import dataclass

import pytest

from harness.doors import ALLOWED, BLOCKED, Doors, at_rest, items
from harness.judges import assert_ends_well
from harness.lab import Lab
from harness.rules import guard

VLAN = 5  # of which the table has tags
RUNS = pytest.mark.parametrize("run", ["engine", "kernel"])


@dataclass(frozen=True)
class Policy:
    name: str
    on_match: str  # drop: all other ports are open; pass: they are closed
    filters: dict  # by type of hook

    def add(self, daemon, run, direction):
        for kind, expression in self.filters.items():
            guard(daemon, f"cbpf:{kind}", expression, kind, direction=direction, on_match=self.on_match, run=run)

    def remove(self, daemon):
        for kind in self.filters:
            daemon.bpfctl("hook", "delete", f"cbpf:{kind}")


def of_both(port):
    return {"inet": f"ip and dst port {port}", "inet6": f"ip6 and dst port {port}"}


DENY = Policy("deny", "pass", of_both(ALLOWED))
BLOCK = Policy("block", "drop", of_both(BLOCKED))
BLOCK_FLAGS = Policy("block by flags", "drop", {
    "inet": f"(tcp[tcpflags] & tcp-syn != 0 and dst port {BLOCKED}) or (ip and udp dst port {BLOCKED})",
    "inet6": f"(ip6 proto 6 and ip6[53] & 2 != 0 and dst port {BLOCKED}) or (ip6 and udp dst port {BLOCKED})",
})  # fmt: skip
DENY_FRAMES = Policy("deny frames", "pass", {"ethernet": f"dst port {ALLOWED}"})
BLOCK_FRAMES = Policy("block frames", "drop", {"ethernet": f"dst port {BLOCKED}"})


@pytest.fixture(scope="module")
def table():
    """Both ports, ids of all rows apart."""
    return items("table", BLOCKED, 1) + items("table", ALLOWED, 1_000_001)


@pytest.fixture(scope="module")
def twin(table):
    """What gets to a host without pfild, and whether it has a VLAN."""
    lab = Lab("host")
    try:
        with Doors(lab.fw, lab.cli, VLAN) as doors:
            doors.knock(table)
            return doors.opened(), doors.has_vlan
    finally:
        lab.close()


def wrong_by(policy, got, twin_knocks, table):
    """Which knocks got past, and which were kept out, in words."""
    by_id = {item.id: item for item in table}
    if policy.on_match == "drop":
        past = {knock for knock in got if knock.door == BLOCKED}
        kept = {knock for knock in twin_knocks - got if knock.door != BLOCKED and by_id[knock.id].seen != "never"}
    else:
        past = {knock for knock in got if knock.door != ALLOWED}
        whole = {item.id for item in table if item.seen == "as_port" and len(item.frames) == 1}
        kept = {knock for knock in twin_knocks - got if knock.door == ALLOWED and knock.id in whole}
    for what, knocks in (("past", past), ("kept out", kept)):
        for knock in sorted(knocks):
            item = by_id[knock.id]
            if "ethernet" not in policy.filters or "of the host" not in item.sentence:  # a real tag is not looked through there
                yield f"{policy.name}: {what}: {knock.what} {knock.door}: {item.sentence} [{item.seen}]"


@dataclass(frozen=True)
class Attack:
    """The table, and what of it gets to a host without pfild."""

    table: list
    twin_knocks: set

    def under(self, policies, daemon, doors, run, direction="in"):
        """What is wrong then, in words; "" if nothing is."""
        wrong = []
        for policy in policies:
            policy.add(daemon, run, direction[0])
            doors.forget()
            doors.knock(self.table)
            assert at_rest(daemon, direction)
            policy.remove(daemon)
            wrong += wrong_by(policy, doors.opened(), self.twin_knocks, self.table)
        return "\n".join([f"{len(wrong)} in all", *wrong]) if wrong else ""


@pytest.fixture
def attack(table, twin):
    return Attack(table, twin[0])


def test_the_twin_is_reached_in_many_ways(table, twin):
    """Else nothing below says anything: of those rows that a stack takes, most must have got there."""
    twin_knocks, has_vlan = twin
    by_id = {item.id: item for item in table}
    of_vlan = ("three tags of VLAN 0, then that of the host",) if has_vlan else ()
    for door in (BLOCKED, ALLOWED):
        there = {by_id[knock.id].sentence for knock in twin_knocks if knock.door == door}
        assert len(there) > 150
        for family in ("IPv4", "IPv6"):
            for protocol in ("TCP", "UDP"):
                for row in ("as it should be", "twenty tags of VLAN 0", *of_vlan):
                    assert f"{family}, {protocol}: {row}" in there, (door, row)
        for row in ("destination options", "an atomic fragment", "a routing header without segments left", "nine destination options"):
            assert f"IPv6, TCP: {row}" in there
        assert "IPv6, TCP: hop-by-hop twice" not in there


@pytest.mark.parametrize("how", ["linear", "paged", "uncut"])
@RUNS
def test_no_row_gets_past_rules_and_none_is_kept_from_an_open_door(host_lab, start_pfild, attack, run, how):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    with Doors(host_lab.fw, host_lab.cli, VLAN, how) as doors:
        policies = (DENY, BLOCK, BLOCK_FLAGS, DENY_FRAMES, BLOCK_FRAMES) if how == "linear" else (DENY, BLOCK_FLAGS)
        wrong = attack.under(policies, daemon, doors, run)
    assert not wrong, wrong
    assert_ends_well(daemon)


@pytest.mark.tc_only("going out there is one kind of head")
@RUNS
def test_no_row_leaves_a_host_by_a_port_that_it_may_not_reach(host_lab, start_pfild, attack, run):
    """The rules are those of the client."""
    daemon = start_pfild(host_lab.cli)
    daemon.bpfctl("attach", "eth0")
    with Doors(host_lab.fw, host_lab.cli, VLAN) as doors:
        wrong = attack.under((DENY, BLOCK), daemon, doors, run, "out")
    assert not wrong, wrong
    assert_ends_well(daemon)
