# SPDX-License-Identifier: BSD-2-Clause
"""`config apply --confirm`: unless somebody who can still reach the machine confirms it in time, the model before is back."""
import time

import pytest

from harness.control import Control
from harness.held_tcp import HeldTcp
from harness.judges import assert_ends_well, wait_until
from harness.ping import ping, unanswered
from harness.rules import guard

GUARD = '[[interface]]\nname = "eth0"\nunknown = "drop"\n'
SHUT = (
    GUARD
    + '[[hook]]\nname = "new:shut"\ntype = "inet"\non_match = "drop"\nfilter = "tcp or icmp"\n'
    + '[[link]]\nhook = "new:shut"\nhead = "inet"\ndirections = ["in"]\n'
)


@pytest.fixture
def shut(tmp_path):
    path = tmp_path / "shut.toml"
    path.write_text(SHUT)
    return path


@pytest.fixture
def daemon(start_pfild, host_lab):
    daemon = start_pfild(host_lab.fw, config=GUARD)
    guard(daemon, "cbpf:telnet")
    return daemon


def is_kept(daemon, name):
    """Is a hook in what the next boot would begin with?"""
    path = daemon.state_folder / "confirmed"
    return path.exists() and name in path.read_text()


def hooks(daemon):
    return sorted(one["name"] for one in daemon.bpfctl.json("hooks")["hooks"])


def back_after_s(host, since, timeout_s=10):
    """How long nothing was let in: until the first echo."""
    assert wait_until(lambda: ping(host, "192.0.2.2", count=1, patience_s=0.1).lost == 0, timeout_s=timeout_s)
    return time.monotonic() - since


def applied(daemon, host_lab, shut, seconds=5):
    """When it was applied."""
    since = time.monotonic()
    assert "bpfctl config confirm" in daemon.bpfctl("config", "apply", shut, "--confirm", seconds)
    assert hooks(daemon) == ["cbpf:telnet", "new:shut"]
    assert 0 < daemon.bpfctl.json("status")["confirm_within_s"] <= seconds
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    return since


def test_what_is_not_confirmed_is_gone_after_5_to_6_s_and_the_connection_that_it_cut_comes_back(host_lab, daemon, shut):
    before = daemon.bpfctl("config", "show")
    with HeldTcp(host_lab.cli, host_lab.fw) as connection:
        connection.say("one")
        assert wait_until(lambda: connection.heard("one"))
        since = applied(daemon, host_lab, shut)
        connection.say("two")
        assert 5 <= back_after_s(host_lab.cli, since) <= 6
        assert wait_until(lambda: connection.heard("two"), timeout_s=30)
    assert daemon.bpfctl("config", "show") == before
    assert "was not confirmed in time" in daemon.current_log()
    assert "confirm_within_s" not in str({key: value for key, value in daemon.bpfctl.json("status").items() if value is not None})
    assert "no model waits" in daemon.bpfctl.refused("config", "confirm").line
    assert_ends_well(daemon)


def test_what_is_confirmed_stays_also_after_a_kill_and_a_reboot(host_lab, daemon, shut):
    since = applied(daemon, host_lab, shut, 2)
    assert daemon.bpfctl("config", "confirm") == "confirmed\n"
    assert wait_until(lambda: time.monotonic() - since > 3)
    assert hooks(daemon) == ["cbpf:telnet", "new:shut"]
    daemon.kill9()
    daemon.start()
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    assert wait_until(lambda: is_kept(daemon, "new:shut"))
    daemon.kill9()
    daemon.reboot()
    assert hooks(daemon) == ["cbpf:telnet", "new:shut"]
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    assert_ends_well(daemon)


def test_a_daemon_that_is_killed_meanwhile_goes_back_in_time_all_the_same(host_lab, daemon, shut):
    before = daemon.bpfctl("config", "show")
    since = applied(daemon, host_lab, shut)
    assert wait_until(lambda: time.monotonic() - since > 2)
    daemon.kill9()
    daemon.start()
    assert daemon.bpfctl.json("status")["started_from"] == "running model, on trial"
    assert hooks(daemon) == ["cbpf:telnet", "new:shut"]
    assert 5 <= back_after_s(host_lab.cli, since) <= 6
    assert daemon.bpfctl("config", "show") == before
    assert_ends_well(daemon)


def test_a_daemon_that_is_away_when_the_time_is_over_begins_with_the_model_before(host_lab, daemon, shut):
    before = daemon.bpfctl("config", "show")
    since = applied(daemon, host_lab, shut, 1)
    daemon.kill9()
    assert wait_until(lambda: time.monotonic() - since > 1.2)
    daemon.start()
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    assert daemon.bpfctl("config", "show") == before
    assert_ends_well(daemon)


@pytest.mark.parametrize("run_is_lost", [True, False])
def test_after_a_reboot_nothing_that_was_not_confirmed_is_loaded(host_lab, daemon, shut, run_is_lost):
    before = daemon.bpfctl("config", "show")
    assert wait_until(lambda: is_kept(daemon, "cbpf:telnet"))
    applied(daemon, host_lab, shut, 60)
    daemon.kill9()
    if run_is_lost:
        daemon.reboot()
    else:
        daemon._boot_id.write_text("another boot\n")
        daemon.start()
    assert daemon.bpfctl("config", "show") == before
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    assert_ends_well(daemon)


def test_a_rollback_does_at_once_what_the_clock_would(host_lab, daemon, shut):
    before = daemon.bpfctl("config", "show")
    assert "no model waits" in daemon.bpfctl.refused("config", "rollback").line
    applied(daemon, host_lab, shut, 60)
    assert "hook new:shut: removed" in daemon.bpfctl("config", "rollback")
    assert daemon.bpfctl("config", "show") == before
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    assert "no model waits" in daemon.bpfctl.refused("config", "confirm").line
    assert_ends_well(daemon)


def test_meanwhile_nothing_else_changes_but_what_is_detached_stays_so(host_lab, daemon, shut):
    applied(daemon, host_lab, shut, 60)
    for words in (["config", "apply", shut], ["reload"], ["hook", "delete", "new:shut"]):
        assert "waits for its confirmation" in daemon.bpfctl.refused(*words).line
    daemon.bpfctl("detach", "eth0")
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    daemon.bpfctl("config", "rollback")
    assert daemon.bpfctl.json("status")["interfaces"] == []
    assert_ends_well(daemon)


def test_it_is_confirmed_by_another_connection_than_it_was_applied_by(host_lab, daemon):
    with Control(daemon.name) as control:
        model = control.call("config-show")["result"]["model"]
        model["hooks"] = []
        model["links"] = []
        assert control.call("config-apply", {"model": model, "whole": True, "confirm_s": 60})["ok"]
        answer = control.call("config-confirm")
        assert not answer["ok"] and answer["error"]["errno"] == "EPERM", answer
    assert daemon.bpfctl("config", "confirm") == "confirmed\n"
    assert hooks(daemon) == []
    assert_ends_well(daemon)
