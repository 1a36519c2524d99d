# SPDX-License-Identifier: BSD-2-Clause
"""Random packets of the grammar (tests/frames) for a host with many open doors behind pfild, and for a twin without it.

PFILD_ATTACKS says how many (20,000 in scripts/prove), PFILD_SEED which. A packet that fails is sent again with
`attack_frames grammar SEED ID 1 PORT..`.
"""
import os

import pytest

from harness.doors import ALLOWED, BLOCKED, PORTS, Doors, at_rest, items
from harness.judges import assert_ends_well
from harness.lab import Lab
from harness.rules import guard

COUNT = int(os.environ.get("PFILD_ATTACKS", "1500"))
SEED = int(os.environ.get("PFILD_SEED", "1"))
VLAN = 5


@pytest.fixture(scope="module")
def packets():
    return items("grammar", SEED, 1, COUNT, *PORTS)


@pytest.fixture(scope="module")
def twin_knocks(packets):
    """What gets to a host without pfild."""
    lab = Lab("host")
    try:
        with Doors(lab.fw, lab.cli, VLAN) as doors:
            doors.knock(packets)
            knocks = doors.opened()
    finally:
        lab.close()
    assert len(knocks) > COUNT // 8, "most of what is sent is nonsense to a stack: this says nothing about pfild"
    return knocks


@pytest.fixture(params=["engine", "kernel"])
def guarded(request, host_lab, start_pfild):
    """A daemon without hooks, its host's doors, and where its hooks are to run."""
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    with Doors(host_lab.fw, host_lab.cli, VLAN) as doors:
        yield daemon, doors, request.param
    assert_ends_well(daemon)


def add_rules(daemon, port, on_match, run):
    for kind, family in (("inet", "ip"), ("inet6", "ip6")):
        guard(daemon, f"cbpf:{kind}", f"{family} and dst port {port}", kind, direction="i", on_match=on_match, run=run)


def knock(daemon, doors, packets):
    doors.knock(packets)
    assert at_rest(daemon)


def told(knocks, packets):
    by_id = {item.id: item for item in packets}
    rows = [f"{one.what} {one.door}: {by_id[one.id].sentence}, id {one.id}: {by_id[one.id].frames}" for one in sorted(knocks)]
    return "\n".join([f"{len(rows)} in all", *rows[:50]])


def test_nothing_gets_past_where_all_but_one_port_is_closed(packets, twin_knocks, guarded):
    daemon, doors, run = guarded
    add_rules(daemon, ALLOWED, "pass", run)
    knock(daemon, doors, packets)
    got = doors.opened()
    past = {one for one in got if one.door != ALLOWED}
    assert not past, told(past, packets)
    plain = {item.id for item in packets if item.seen == "plain" and len(item.frames) == 1}
    wanted = {one for one in twin_knocks if one.door == ALLOWED and one.id in plain}
    knock(daemon, doors, [item for item in packets if item.id in {one.id for one in wanted - got}])
    kept = wanted - doors.opened()
    assert wanted and not kept, told(kept, packets)


def test_nothing_gets_past_a_closed_port_and_all_else_arrives(packets, twin_knocks, guarded):
    daemon, doors, run = guarded
    add_rules(daemon, BLOCKED, "drop", run)
    knock(daemon, doors, packets)
    closed = {("tcp", BLOCKED), ("udp", BLOCKED)}
    got = doors.opened()
    past = {one for one in got if (one.what, one.door) in closed}
    assert not past, told(past, packets)
    plain = {item.id for item in packets if item.seen == "plain"}
    wanted = {one for one in twin_knocks if (one.what, one.door) not in closed and one.id in plain}
    knock(daemon, doors, [item for item in packets if item.id in {one.id for one in wanted - got}])
    kept = wanted - doors.opened()
    assert wanted and not kept, told(kept, packets)
