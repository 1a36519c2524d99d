# SPDX-License-Identifier: BSD-2-Clause
"""The table of starts (docs/configuration.md): what is there when a daemon starts, and what is in force then. A test a row."""
import json

import pytest

from harness.judges import assert_ends_well, wait_until
from harness.pfild import Pfild
from harness.ping import ping, unanswered
from harness.rules import guard

BASE = '[[interface]]\nname = "eth0"\nunknown = "drop"\n'
TELNET = """
[[hook]]
name = "file:telnet"
type = "inet"
on_match = "drop"
filter = "tcp dst port 23"

[[link]]
hook = "file:telnet"
head = "inet"
directions = ["in"]
"""
PING = TELNET.replace("telnet", "ping").replace("tcp dst port 23", "icmp")
BAD = 'unknwon = "drop"\n'


def hooks(daemon):
    return sorted(one["name"] for one in daemon.bpfctl.json("hooks")["hooks"])


def started_from(daemon):
    return daemon.bpfctl.json("status")["started_from"]


def confirmed(daemon, name):
    """Is a hook in the confirmed model?"""
    path = daemon.state_folder / "confirmed"
    return path.exists() and name in [one["name"] for one in json.loads(path.read_text())["model"]["hooks"]]


@pytest.fixture
def daemon(host_lab, start_pfild):
    """The files block telnet, bpfctl blocks pings; both outlive the boot."""
    daemon = start_pfild(host_lab.fw, config=BASE + TELNET)
    assert started_from(daemon) == "files"
    guard(daemon, "cbpf:ping", "icmp", direction="i")
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    assert wait_until(lambda: confirmed(daemon, "cbpf:ping"), timeout_s=5)
    return daemon


def assert_guarded(host_lab, daemon, names):
    assert hooks(daemon) == names
    assert [one["name"] for one in daemon.bpfctl.json("status")["interfaces"]] == ["eth0"]
    if "cbpf:ping" in names or "file:ping" in names:
        assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    else:
        assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0


def test_a_crash(host_lab, daemon):
    daemon.bpfctl("hook", "delete", "file:telnet")
    daemon.kill9()
    daemon.start()
    assert started_from(daemon) == "running model"
    assert_guarded(host_lab, daemon, ["cbpf:ping"])
    assert_ends_well(daemon)


def test_a_crash_after_which_the_files_are_edited(host_lab, daemon):
    daemon.kill9()
    daemon.configure(BASE + TELNET.replace("file:telnet", "file:other"))
    daemon.start()
    assert started_from(daemon) == "running model, files changed"
    assert_guarded(host_lab, daemon, ["cbpf:ping", "file:other"])
    assert_ends_well(daemon)


@pytest.mark.parametrize("bad", [BAD, BASE + TELNET.replace("tcp dst port 23", "tcp prot 23")], ids=["a typo", "a bad filter"])
def test_a_restart_with_bad_files(host_lab, daemon, bad):
    daemon.kill9()
    daemon.configure(bad)
    daemon.start()
    assert started_from(daemon) == "failsafe: running model"
    assert "the files are not in force" in daemon.current_log()
    assert_guarded(host_lab, daemon, ["cbpf:ping", "file:telnet"])
    assert_ends_well(daemon)


def test_a_reboot(host_lab, daemon):
    daemon.reboot()
    assert started_from(daemon) == "files and confirmed model"
    assert_guarded(host_lab, daemon, ["cbpf:ping", "file:telnet"])
    assert_ends_well(daemon)


def test_a_reboot_after_which_the_files_are_edited(host_lab, daemon):
    daemon.configure(BASE + TELNET.replace("file:telnet", "file:other"))
    daemon.reboot()
    assert started_from(daemon) == "files and confirmed model"
    assert_guarded(host_lab, daemon, ["cbpf:ping", "file:other"])
    assert_ends_well(daemon)


def test_a_reboot_with_bad_files(host_lab, daemon):
    daemon.configure(BAD)
    daemon.reboot()
    assert started_from(daemon) == "failsafe: confirmed model"
    assert "pfild.toml:1:1: unknwon: is not known here (did you mean 'unknown'?)" in daemon.current_log()
    assert_guarded(host_lab, daemon, ["cbpf:ping", "file:telnet"])
    assert_ends_well(daemon)


def test_a_reboot_with_files_that_nobody_has_compiled(host_lab, daemon):
    daemon.configure(BASE + PING)
    daemon.reboot(compiled=False)
    assert started_from(daemon) == "failsafe: confirmed model"
    assert "made of other files than are there now" in daemon.current_log()
    assert_guarded(host_lab, daemon, ["cbpf:ping", "file:telnet"])
    assert_ends_well(daemon)


def test_a_stop_and_a_start(host_lab, daemon):
    """What bpfctl did ends with the stop; what the files say is there again."""
    assert daemon.stop() == 0
    daemon.start()
    assert started_from(daemon) == "files"
    assert_guarded(host_lab, daemon, ["file:telnet"])
    assert_ends_well(daemon)


def test_a_running_model_of_another_boot(host_lab, daemon):
    daemon.kill9()
    daemon._boot_id.write_text("another\n")
    daemon.start()
    assert started_from(daemon) == "files and confirmed model"
    assert_guarded(host_lab, daemon, ["cbpf:ping", "file:telnet"])
    assert_ends_well(daemon)


def test_a_running_model_that_is_cut_off(host_lab, daemon):
    daemon.kill9()
    model = daemon.run_folder / "model"
    model.write_text(model.read_text()[:-100])
    daemon.start()
    assert started_from(daemon) == "files and confirmed model"
    assert "the running model cannot be read" in daemon.current_log()
    assert_guarded(host_lab, daemon, ["cbpf:ping", "file:telnet"])
    assert_ends_well(daemon)


def test_no_model_at_all_and_bad_files(host_lab):
    daemon = Pfild(host_lab.fw, config=BAD, start=False)
    with pytest.raises(AssertionError, match="ended with 2 .*unknwon"):
        daemon.start()
    assert daemon.left_behind() == [] and not daemon.state_folder.exists()
    daemon.close()


def test_no_model_at_all_and_files_that_cannot_be_had(host_lab):
    daemon = Pfild(host_lab.fw, config='[[interface]]\nname = "lo"\n', start=False)
    with pytest.raises(AssertionError, match="(?s)ended with 1 .*loopback"):
        daemon.start()
    assert daemon.left_behind() == [] and not daemon.state_folder.exists()
    daemon.close()


def test_no_model_at_all(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=BASE + PING)
    assert started_from(daemon) == "files"
    assert_guarded(host_lab, daemon, ["file:ping"])
    assert_ends_well(daemon)
