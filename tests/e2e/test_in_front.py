# SPDX-License-Identifier: BSD-2-Clause
"""Programs of others in front of the heads, where they can let packets by: they are seen, said once, shown, and with position "first"
no longer in front."""
import re

import pytest

from harness.judges import assert_ends_well, tc_filters, wait_until, xdp_program
from harness.caller import Caller
from harness.occupants import crowd_in_front, in_front, leave_no_room, log_lines, put_in_front, start_guarding, take_away, tcx_programs
from harness.rules import guard

TC_ACT_OK, TC_ACT_UNSPEC = 0, -1
CLSACT = 'tc_attach = "clsact"\n'
WITH_CLASS = ["u32", "match", "u32", "0", "0", "classid", "1:1"]  # "of class 1:1": no filter behind it is asked
BYTECODE = ["bpf", "bytecode", "1,6 0 0 4294967295", "flowid", "1:1"]


def add_filter(host, preference, filter_words, side="ingress"):
    host.run("tc", "filter", "add", "dev", "eth0", side, "protocol", "all", "pref", preference, *filter_words)


@pytest.mark.parametrize("where", ["file", "interface of the file", "verb"])
def test_with_position_first_the_heads_go_in_front_again_and_the_rules_hold(host_lab, start_pfild, where):
    fw = host_lab.fw
    of_file = {"file": 'position = "first"\n', "verb": "",
               "interface of the file": '[[interface]]\nname = "eth0"\nunknown = "drop"\nmode = "tc"\nposition = "first"\n'}  # fmt: skip
    daemon = start_pfild(fw, config=of_file[where])
    if where != "interface of the file":
        words = ["--position", "first"] if where == "verb" else []
        daemon.bpfctl("attach", "eth0", "--unknown", "drop", "--mode", "tc", *words)
    guard(daemon, direction="i")
    assert daemon.bpfctl.interface("eth0")["position"] == "first"
    with Caller(host_lab.cli, fw) as caller:
        for number in range(3):
            put_in_front(fw, "eth0", "ingress", f"intruder{number}", TC_ACT_OK)
            expected = ["pfild_in"] + [f"intruder{one}" for one in range(number, -1, -1)]
            at_ingress = lambda: [one["name"] for one in tcx_programs(fw) if one["side"] == "ingress"]  # noqa: E731
            assert wait_until(lambda: at_ingress() == expected), (at_ingress(), daemon.current_log())  # noqa: B023
            came_in, kept_out = caller.came_in, caller.kept_out
            assert wait_until(lambda: caller.kept_out > kept_out + 10)  # noqa: B023
            assert caller.came_in <= came_in + 1, "what was on its way while we looked"
            assert in_front(daemon) == []
    assert len(log_lines(daemon, "the heads are first again")) == 3
    daemon.kill9()
    daemon.start()  # the running model knows
    assert daemon.bpfctl.interface("eth0")["position"] == "first"
    assert daemon.stop() == 0
    assert [one["name"] for one in tcx_programs(fw)] == ["intruder2", "intruder1", "intruder0"]


def test_heads_that_found_no_room_in_front_go_there_when_there_is_some(host_lab, start_pfild):
    """Nothing in front of them changes meanwhile: that alone would be a reason to look again."""
    fw = host_lab.fw
    daemon = start_guarding(start_pfild, fw, words=["--position", "first"])
    if not tcx_programs(fw):
        pytest.skip("this kernel has no TCX")
    put_in_front(fw, "eth0", "ingress", "behind", TC_ACT_UNSPEC)
    assert wait_until(lambda: log_lines(daemon, "the heads are first again"))
    leave_no_room(fw, "eth0", "ingress")
    # filling takes a while, and heads that went in front meanwhile do so once more
    assert wait_until(lambda: log_lines(daemon, "attach a program by TCX: numerical result out of range")), daemon.current_log()
    uptime = daemon.bpfctl.json("status")["uptime_s"]
    assert wait_until(lambda: daemon.bpfctl.json("status")["uptime_s"] >= uptime + 3)
    assert len(log_lines(daemon, "numerical result out of range")) == 1, "it is tried each second, and said once"
    take_away(fw, "eth0", "behind")
    assert wait_until(lambda: in_front(daemon) == []), in_front(daemon)
    assert daemon.stop() == 0


def test_while_the_heads_go_in_front_again_nothing_passes_unseen(host_lab, start_pfild):
    """The strangers let all go on, so nothing comes in if there is always a head."""
    daemon = start_guarding(start_pfild, host_lab.fw, words=["--position", "first"])
    with Caller(host_lab.cli, host_lab.fw, pause_s=0) as caller:
        for number in range(5):
            put_in_front(host_lab.fw, "eth0", "ingress", f"bystander{number}", TC_ACT_UNSPEC)
            assert wait_until(lambda: len(log_lines(daemon, "the heads are first again")) == number + 1)  # noqa: B023
        assert caller.came_in == 0 and caller.kept_out > 10
    assert_ends_well(daemon)


def test_who_comes_in_front_while_the_heads_go_there_is_preceded_too(host_lab, start_pfild):
    """The heads look once a second, and take some 25 ms to move: in 1.2 s, with one who comes each 20 ms, somebody comes meanwhile."""
    daemon = start_guarding(start_pfild, host_lab.fw, words=["--position", "first"])
    if not tcx_programs(host_lab.fw):
        pytest.skip("this kernel has no TCX")
    for _ in range(3):
        crowd_in_front(host_lab.fw, "eth0", "ingress", 60)
        assert wait_until(lambda: in_front(daemon) == [], timeout_s=15), daemon.current_log()
        take_away(host_lab.fw, "eth0", "one_of_many")
    assert log_lines(daemon, "cannot be preceded") == []
    assert_ends_well(daemon)


def test_a_filter_with_a_class_behind_heads_by_tcx_is_not_in_front(host_lab, start_pfild):
    daemon = start_guarding(start_pfild, host_lab.fw)
    if not tcx_programs(host_lab.fw):
        pytest.skip("this kernel has no TCX")
    host_lab.fw.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    add_filter(host_lab.fw, 1, WITH_CLASS)
    with Caller(host_lab.cli, host_lab.fw) as caller:
        assert wait_until(lambda: caller.kept_out > 10) and caller.came_in == 0
    assert in_front(daemon) == []
    assert daemon.stop() == 0


def test_a_filter_with_a_class_in_front_of_heads_on_clsact_is_named_and_cannot_be_preceded(host_lab, start_pfild):
    fw = host_lab.fw
    fw.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
    add_filter(fw, 1, WITH_CLASS)
    daemon = start_guarding(start_pfild, fw, CLSACT, ["--position", "first"])
    named = "tc ingress pref 1: u32"
    assert in_front(daemon) and all(one == named for one in in_front(daemon))
    assert wait_until(lambda: log_lines(daemon, f"{named} cannot be preceded"))
    uptime = daemon.bpfctl.json("status")["uptime_s"]
    assert wait_until(lambda: daemon.bpfctl.json("status")["uptime_s"] >= uptime + 3)
    assert len(log_lines(daemon, "cannot be preceded")) == 1, "it is not tried again and again"
    fw.run("tc", "filter", "del", "dev", "eth0", "ingress", "pref", "1")
    assert wait_until(lambda: in_front(daemon) == [])
    with Caller(host_lab.cli, fw) as caller:
        assert wait_until(lambda: caller.kept_out > 10) and caller.came_in == 0
    assert daemon.stop() == 0


def test_on_clsact_heads_go_in_front_of_a_filter_of_their_kind_again(host_lab, start_pfild):
    fw = host_lab.fw
    daemon = start_guarding(start_pfild, fw, CLSACT, ["--position", "first"])
    add_filter(fw, 1, BYTECODE)
    assert wait_until(lambda: log_lines(daemon, "the heads are first again")), daemon.current_log()
    assert re.search("tc ingress pref 1: bpf", log_lines(daemon, "in front of the heads")[0])
    with Caller(host_lab.cli, fw) as caller:
        assert wait_until(lambda: caller.kept_out > 10) and caller.came_in == 0
    daemon.bpfctl("detach", "eth0")
    assert len(tc_filters(fw)["ingress"]) == 1, "the stranger's"
    assert daemon.stop() == 0


def test_an_xdp_program_in_front_is_named_and_left_where_it_is(host_lab, start_pfild, foreign_xdp):
    daemon = start_guarding(start_pfild, host_lab.fw, words=["--position", "first"])
    host_lab.fw.run(*foreign_xdp.attach)
    assert wait_until(lambda: in_front(daemon), timeout_s=3)
    assert re.fullmatch(rf"xdp: {foreign_xdp.name} \(\d+\)", in_front(daemon)[0]) and len(in_front(daemon)) == 1
    assert xdp_program(host_lab.fw) == foreign_xdp.name
    with Caller(host_lab.cli, host_lab.fw) as caller:
        assert wait_until(lambda: caller.kept_out > 10) and caller.came_in == 0
    assert log_lines(daemon, "the heads are first again") == []
    host_lab.fw.run("ip", "link", "set", "eth0", "xdpdrv", "off")
    assert wait_until(lambda: in_front(daemon) == [], timeout_s=3)
    assert_ends_well(daemon)
