# SPDX-License-Identifier: BSD-2-Clause
"""A takeover of what a killed daemon left that cannot be finished: what guarded the interface goes on guarding it."""
import pytest

from harness.judges import assert_ends_well, wait_until
from harness.occupants import heads_at, leave_no_room, make_room, remove_head
from harness.ping import ping, unanswered
from harness.rules import guard

CLSACT = 'tc_attach = "clsact"\n'
BOTH_WAYS = pytest.mark.parametrize("config", ["", CLSACT], ids=["tcx", "clsact"])
TC = 'mode = "tc"\n'


def leave_heads(start_pfild, host, config, unknown="drop"):
    """A killed daemon's, which drop what nobody answers for."""
    daemon = start_pfild(host, config=TC + config)
    daemon.bpfctl("attach", "eth0", "--unknown", unknown)
    guard(daemon, "cbpf:ping", "icmp", direction="i")
    daemon.kill9()
    return daemon


def leave_one_head(start_pfild, host, config, unknown="drop"):
    """The same, and at the egress there is no room for a head."""
    daemon = leave_heads(start_pfild, host, config, unknown)
    remove_head(host, "eth0", "egress")
    leave_no_room(host, "eth0", "egress")
    return daemon


def assert_guarded(lab, before):
    assert heads_at(lab.fw)["ingress"] == before["ingress"] != []
    assert unanswered(lab.cli, "192.0.2.2", count=5)


@BOTH_WAYS
def test_an_attach_that_gets_one_direction_only_leaves_the_head_that_was_there(host_lab, start_pfild, config):
    leave_one_head(start_pfild, host_lab.fw, config)
    before = heads_at(host_lab.fw)
    heir = start_pfild(host_lab.fw, config=TC + config)
    refusal = heir.bpfctl.refused("attach", "eth0", "--unknown", "pass")
    assert refusal.exit_code == 1 and "eth0" in refusal.line, refusal
    assert_guarded(host_lab, before)
    make_room(host_lab.fw, "eth0", "egress")
    heir.bpfctl("attach", "eth0", "--unknown", "pass")
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    assert_ends_well(heir)


@BOTH_WAYS
def test_an_attach_that_gets_no_xdp_leaves_the_heads_that_were_there(host_lab, start_pfild, foreign_xdp, config):
    leave_heads(start_pfild, host_lab.fw, config)
    before = heads_at(host_lab.fw)
    host_lab.fw.run(*foreign_xdp.attach)
    heir = start_pfild(host_lab.fw, config=TC + config)
    assert heir.bpfctl.refused("attach", "eth0", "--mode", "xdp").exit_code == 1
    assert_guarded(host_lab, before)
    assert heads_at(host_lab.fw) == before
    assert heir.stop() == 0
    assert_guarded(host_lab, before)


@BOTH_WAYS
def test_a_reload_that_fails_at_another_interface_leaves_the_heads_that_were_there(router_lab, start_pfild, config):
    leave_heads(start_pfild, router_lab.fw, config)
    before = heads_at(router_lab.fw)
    leave_no_room(router_lab.fw, "eth1", "egress")
    heir = start_pfild(router_lab.fw, config=TC + config)
    heir.configure(TC + config + "".join(f'[[interface]]\nname = "eth{number}"\n' for number in range(2)))
    heir.reload()
    assert wait_until(lambda: "the old configuration stays in force" in heir.current_log()), heir.current_log()
    assert heads_at(router_lab.fw) == before
    assert_guarded(router_lab, before)
    assert heads_at(router_lab.fw, "eth1")["ingress"] == []
    assert heir.bpfctl.json("status")["interfaces"] == []
    assert heir.stop() == 0


@BOTH_WAYS
def test_a_successor_that_gets_one_direction_only_filters_there_and_takes_the_other_when_it_can(host_lab, start_pfild, config):
    daemon = leave_one_head(start_pfild, host_lab.fw, config, unknown="pass")
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    daemon.start()
    assert wait_until(lambda: "eth0: repair failed" in daemon.current_log()), daemon.current_log()
    assert unanswered(host_lab.cli, "192.0.2.2", count=20), "the rule holds, at every repair"
    make_room(host_lab.fw, "eth0", "egress")
    assert wait_until(lambda: daemon.bpfctl.interface("eth0")["state"] == "attached")
    assert [len(side) for side in heads_at(host_lab.fw).values()] == [1, 1]
    assert unanswered(host_lab.cli, "192.0.2.2", count=5)
    assert_ends_well(daemon)


NOT_IN_THE_KERNEL = """
[[interface]]
name = "eth0"

[[hook]]
name = "file:payload"
type = "inet"
on_match = "drop"
filter = "tcp[20:4] = 0x47455420"
run = "kernel"

[[link]]
hook = "file:payload"
head = "inet"
directions = ["in"]
"""


@BOTH_WAYS
def test_a_start_whose_files_cannot_be_had_keeps_what_it_took_over(host_lab, start_pfild, config):
    daemon = leave_heads(start_pfild, host_lab.fw, config)
    daemon.configure(TC + config + NOT_IN_THE_KERNEL)
    for _ in range(2):
        daemon.start()
        assert "file:payload" in daemon.current_log()
        assert daemon.bpfctl.json("status")["started_from"].startswith("failsafe")
        assert daemon.bpfctl.interface("eth0")["unknown"] == "drop"
        assert unanswered(host_lab.cli, "192.0.2.2", count=5)
        assert [len(side) for side in heads_at(host_lab.fw).values()] == [1, 1]
        daemon.kill9()
    daemon.configure(TC + config)
    daemon.start()
    assert daemon.bpfctl.interface("eth0")["unknown"] == "drop"
    assert unanswered(host_lab.cli, "192.0.2.2", count=5)
    assert_ends_well(daemon)


HOPELESS_MTU = 65_535


def leave_heads_that_cannot_be_replaced(lab, start_pfild, config):
    daemon = start_pfild(lab.fw, config=TC + config)
    daemon.bpfctl("attach", "eth0", "--unknown", "drop")
    guard(daemon, "cbpf:ping", "icmp", kind="ethernet", head="eth0", direction="i")
    daemon.kill9()
    lab.fw.run("ip", "link", "set", "eth0", "mtu", HOPELESS_MTU)
    return daemon


@BOTH_WAYS
def test_heads_that_could_not_be_replaced_stay_through_every_start_until_they_can(host_lab, start_pfild, config):
    daemon = leave_heads_that_cannot_be_replaced(host_lab, start_pfild, config)
    before = heads_at(host_lab.fw)
    for number in range(1, 4):
        daemon.start()
        assert wait_until(lambda: daemon.current_log().count("as they could not be replaced") == number)  # noqa: B023
        assert heads_at(host_lab.fw) == before and daemon.bpfctl.json("status")["interfaces"] == []
        assert unanswered(host_lab.cli, "192.0.2.2", count=3)
        daemon.bpfctl("hook", "add", f"cbpf:{number}", "--filter", "udp", "--on-match", "drop", "--type", "inet")
        daemon.kill9()
    host_lab.fw.run("sh", "-c", "ip link set eth0 mtu 1500 && ip link set eth0 down && ip link set eth0 name moved up")
    daemon.start()
    assert [one["name"] for one in daemon.bpfctl.json("status")["interfaces"]] == ["moved"]
    linked = {head["name"]: head["in"] for head in daemon.bpfctl.json("heads")["heads"]}
    assert linked["moved"] == ["cbpf:ping"], "what was linked to it as well"
    after = heads_at(host_lab.fw, "moved")
    assert [len(side) for side in after.values()] == [1, 1] and not set(after["ingress"]) & set(before["ingress"])
    assert unanswered(host_lab.cli, "192.0.2.2", count=5)
    daemon.kill9()
    daemon.start()
    assert daemon.current_log().count("as they could not be replaced") == 3, "what was done is forgotten"
    assert_ends_well(daemon, "moved")


@BOTH_WAYS
@pytest.mark.parametrize("end", ["detached", "stopped"])
def test_heads_that_could_not_be_replaced_go_when_somebody_wants_it(host_lab, start_pfild, config, end):
    daemon = leave_heads_that_cannot_be_replaced(host_lab, start_pfild, config)
    daemon.start()
    if end == "detached":
        daemon.bpfctl("detach", "eth0")
        assert heads_at(host_lab.fw) == {"ingress": [], "egress": []}
        assert daemon.bpfctl.refused("detach", "eth0").exit_code == 1
        daemon.kill9()
        daemon.start()
        assert "1 of 1 things" in daemon.current_log(), "the running model has the hook only"
    assert_ends_well(daemon)
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
