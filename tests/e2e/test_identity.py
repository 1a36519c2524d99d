# SPDX-License-Identifier: BSD-2-Clause
"""A program is ours because it says whose it is, not because of a name or a place: several instances at one interface, in whatever
namespaces, and whichever is killed."""

import pytest

from harness.apart import Apart
from harness.judges import assert_ends_well, wait_until
from harness.caller import Caller
from harness.occupants import all_heads, put_in_front, take_away, tcx_programs
from harness.pfild import TEST_MODE
from harness.ping import ping, unanswered
from harness.rules import guard

CLSACT = 'tc_attach = "clsact"\n'
BOTH_WAYS = pytest.mark.parametrize("config", ["", CLSACT], ids=["tcx", "clsact"])
HEADS = ["pfild_in", "pfild_in_xdp", "pfild_out"] if TEST_MODE == "xdp" else ["pfild_in", "pfild_out"]
SECONDS = [["attach", "eth0"], ["attach", "eth0", "--tap"], ["attach", "eth0", "--unknown", "drop", "--mode", "tc"]]


def start_guarding(start_pfild, host, config=""):
    """Port 23 is closed, also when the daemon is dead."""
    daemon = start_pfild(host, config=config)
    daemon.bpfctl("attach", "eth0", "--unknown", "drop")
    guard(daemon, direction="i")
    return daemon


@BOTH_WAYS
@pytest.mark.parametrize("words", SECONDS, ids=["filter", "tap", "drop"])
def test_a_second_instance_is_refused_by_name_and_the_rules_of_the_first_hold_throughout(host_lab, start_pfild, config, words):
    one = start_guarding(start_pfild, host_lab.fw, config)
    other = start_pfild(host_lab.fw, config=config)
    before = all_heads(host_lab.fw)
    with Caller(host_lab.cli, host_lab.fw) as caller:
        for _ in range(3):
            refusal = other.bpfctl.refused(*words)
            assert refusal.exit_code == 1 and f"instance '{one.name}' (process {one.pid})" in refusal.line, refusal
        assert all_heads(host_lab.fw) == before == {"eth0": HEADS}
        other.kill9()
        other.start()
        other.bpfctl.refused(*words)
        assert other.stop() == 0
        assert one.bpfctl.interface("eth0")["state"] == "attached"
        one.kill9()  # its heads keep the port closed, and are not the other's
        one.start()
        assert wait_until(lambda: caller.kept_out > 20) and caller.came_in == 0
    assert_ends_well(one)


@pytest.mark.parametrize("where", ["here", "apart"])
def test_the_rules_of_the_first_hold_when_it_is_killed_before_the_second(host_lab, start_pfild, where):
    one = start_guarding(start_pfild, host_lab.fw)
    guard(one, "cbpf:guard6", kind="inet6", direction="i")
    other = start_pfild(host_lab.fw) if where == "here" else Apart(host_lab.fw, one.name)
    refused = other.bpfctl.refused if where == "here" else other.refused
    with Caller(host_lab.cli, host_lab.fw) as caller, Caller(host_lab.cli, host_lab.fw, "2001:db8:1::2") as caller6:

        def still_kept_out():
            before = [one.kept_out for one in (caller, caller6)]
            more = lambda: all(one.kept_out > kept + 10 for one, kept in zip((caller, caller6), before))  # noqa: E731
            return wait_until(more, timeout_s=10) and (caller.came_in, caller6.came_in) == (0, 0)

        refused("attach", "eth0")
        assert still_kept_out()
        one.kill9()
        host_lab.fw.run("ip", "link", "set", "eth0", "mtu", 1400)  # announced to the other, who looks at what is there
        assert still_kept_out() and all_heads(host_lab.fw) == {"eth0": HEADS}
        other.kill9()
        assert still_kept_out() and all_heads(host_lab.fw) == {"eth0": HEADS}
        one.start()
        assert still_kept_out()
    assert_ends_well(one)


@BOTH_WAYS
@pytest.mark.parametrize("words", SECONDS, ids=["filter", "tap", "drop"])
def test_who_comes_first_has_the_interface(host_lab, start_pfild, config, words):
    first, late = start_pfild(host_lab.fw, config=config), start_pfild(host_lab.fw, config=config)
    first.bpfctl(*words)
    refusal = late.bpfctl.refused("attach", "eth0")
    assert first.name in refusal.line, refusal
    first.bpfctl("detach", "eth0")
    late.bpfctl("attach", "eth0", "--unknown", "drop")
    guard(late, direction="i")
    with Caller(host_lab.cli, host_lab.fw) as caller:
        first.bpfctl.refused(*words)
        assert wait_until(lambda: caller.kept_out > 10) and caller.came_in == 0
    assert first.stop() == 0
    assert_ends_well(late)


@pytest.mark.parametrize("words", SECONDS, ids=["filter", "tap", "drop"])
@pytest.mark.parametrize("same_name", [True, False], ids=["same name", "other name"])
def test_an_instance_in_other_mount_and_pid_namespaces_is_no_exception(host_lab, start_pfild, words, same_name):
    one = start_guarding(start_pfild, host_lab.fw)
    apart = Apart(host_lab.fw, one.name if same_name else one.name + "-apart")
    with Caller(host_lab.cli, host_lab.fw) as caller:
        refusal = apart.refused(*words)
        assert f"instance '{one.name}' (process {one.pid} of another PID namespace)" in refusal.line, refusal
        apart.kill9()
        assert all_heads(host_lab.fw) == {"eth0": HEADS}
        again = Apart(host_lab.fw, one.name)
        assert wait_until(lambda: caller.kept_out > 10) and caller.came_in == 0
        again.kill9()
    assert_ends_well(one)


def test_a_dead_instance_of_the_same_name_elsewhere_keeps_its_heads(host_lab, start_pfild):
    """Its running model is where its own successor finds it: they are not what a daemon here has left."""
    apart_name = start_pfild(host_lab.fw)
    apart = Apart(host_lab.fw, apart_name.name)
    assert apart.run("attach", "eth0", "--mode", "tc").returncode == 0
    apart.kill9()
    host_lab.fw.run("ip", "link", "set", "eth0", "mtu", 1400)  # announced to the daemon here, which looks at what is there
    host_lab.fw.run("ip", "link", "add", "name", "later", "type", "veth")
    apart_name.bpfctl("attach", "later")  # so it has read what was announced before
    assert all_heads(host_lab.fw)["eth0"] == ["pfild_in", "pfild_out"]
    apart_name.kill9()
    apart_name.start()
    assert all_heads(host_lab.fw)["eth0"] == ["pfild_in", "pfild_out"]
    assert_ends_well(apart_name, "later")


def test_heads_of_an_instance_apart_are_respected_and_taken_over_when_it_is_dead(host_lab, start_pfild):
    one = start_pfild(host_lab.fw)
    apart = Apart(host_lab.fw, one.name)
    assert apart.run("attach", "eth0", "--mode", "tc").returncode == 0
    refusal = one.bpfctl.refused("attach", "eth0")
    assert f"instance '{one.name}' (process " in refusal.line, refusal
    apart.kill9()
    one.bpfctl("attach", "eth0", "--mode", "tc")
    assert "takes over a head that nobody serves: " in one.current_log()
    assert all_heads(host_lab.fw) == {"eth0": ["pfild_in", "pfild_out"]}
    assert_ends_well(one)


@BOTH_WAYS
def test_programs_of_a_stranger_with_our_names_are_not_touched(host_lab, start_pfild, config):
    """They say TC_ACT_UNSPEC: others go on."""
    for side, name in (("ingress", "pfild_in"), ("egress", "pfild_out"), ("ingress", "reentry_in")):
        put_in_front(host_lab.fw, "eth0", side, name, -1)
    strangers = tcx_programs(host_lab.fw)
    assert len(strangers) == 3
    daemon = start_guarding(start_pfild, host_lab.fw, config)

    def are_there():
        now = tcx_programs(host_lab.fw)
        return all(stranger in now for stranger in strangers)

    assert are_there() and unanswered_port(host_lab)
    daemon.kill9()
    daemon.start()
    assert are_there() and unanswered_port(host_lab)
    assert daemon.stop() == 0
    assert tcx_programs(host_lab.fw) == strangers
    assert ping(host_lab.cli, "192.0.2.2").lost == 0


def unanswered_port(lab):
    with Caller(lab.cli, lab.fw) as caller:
        return wait_until(lambda: caller.kept_out > 5) and caller.came_in == 0


def test_a_head_that_was_swapped_for_another_program_of_its_name_is_put_back(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
    take_away(host_lab.fw, "eth0", "pfild_out")
    put_in_front(host_lab.fw, "eth0", "egress", "pfild_out", -1)
    assert wait_until(lambda: "repaired" in daemon.current_log())
    assert [one["name"] for one in tcx_programs(host_lab.fw) if one["side"] == "egress"] == ["pfild_out"] * 2
    assert daemon.stop() == 0
    assert [one["name"] for one in tcx_programs(host_lab.fw)] == ["pfild_out"], "the stranger's stays"


def test_heads_of_a_killed_instance_of_another_name_stay_until_the_interface_is_attached(host_lab, start_pfild):
    dead = start_guarding(start_pfild, host_lab.fw)
    dead.kill9()
    heir = start_pfild(host_lab.fw)
    assert all_heads(host_lab.fw) == {"eth0": HEADS}, "it is not for another instance to remove them"
    assert unanswered(host_lab.cli, "192.0.2.2")
    heir.bpfctl("attach", "eth0")
    assert f"instance '{dead.name}', whose daemon is dead" in heir.current_log()
    assert ping(host_lab.cli, "192.0.2.2").lost == 0
    dead.start()  # its running model wants eth0
    assert "not taken over" in dead.current_log() and heir.name in dead.current_log()
    assert all_heads(host_lab.fw) == {"eth0": HEADS}
    assert dead.stop() == 0
    assert_ends_well(heir)
