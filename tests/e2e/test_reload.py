# SPDX-License-Identifier: BSD-2-Clause
"""`bpfctl reload` says what became of the files, and the log says who has changed what."""
import json
import pathlib
import re
import subprocess

import pytest

from harness.bpfctl import ask_at
from harness.judges import assert_ends_well, wait_until
from harness.pfild import Pfild
from harness.ping import ping, unanswered
from harness.programs import program
from harness.rules import hook_of_file

GUARD = '[[interface]]\nname = "eth0"\nunknown = "drop"\n'
UNIT = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "pfild@.service.in"


def hook(code, on_match="drop"):
    return hook_of_file("file:a", code, on_match=on_match)


def path_of(daemon):
    return daemon._folder / "pfild.toml"


BAD = {
    "a key that is not known": lambda daemon, good: daemon.configure(good.replace("on_match", "on_mach")),
    "no TOML": lambda daemon, good: daemon.configure(good + "[[[\n"),
    "a file that is gone": lambda daemon, good: path_of(daemon).unlink(),
    "a file that others can write": lambda daemon, good: path_of(daemon).chmod(0o666),
    "a filter that nobody has compiled": lambda daemon, good: daemon.configure(re.sub("bytecode = .*", 'filter = "icmp"', good)),
    "a program that is not there": lambda daemon, good: daemon.configure(re.sub("bytecode = .*", 'bytecode = "/none"', good)),
    "a hook that cannot run where it says": lambda daemon, good: daemon.configure(
        good.replace('type = "inet"', 'type = "inet"\nrun = "kernel"').replace('"drop"\nby', '"drop"\nrun = "kernel"\nby')
    ),
    "an interface that cannot be attached": lambda daemon, good: daemon.configure(good + '[[interface]]\nname = "lo"\n'),
}


def run_of_the_unit(daemon, key):
    """What systemd runs for a key of the unit, with this daemon's names: the exit code of the first that fails, else 0."""
    for line in re.findall(rf"^{key}=-?(.*)$", UNIT.read_text(), re.MULTILINE):
        line = line.replace("@CMAKE_INSTALL_FULL_SBINDIR@/bpfctl", program("bpfctl")).replace("$MAINPID", str(daemon.pid))
        line = line.replace("/etc/pfild/%i.toml", str(path_of(daemon))).replace("%i", daemon.name)
        code = subprocess.run(line.split(), capture_output=True, check=False).returncode
        if code != 0:
            return code
    return 0


@pytest.mark.parametrize("what", BAD)
def test_F16_a_reload_with_bad_files_fails_and_the_old_rules_stay(host_lab, start_pfild, everything, what):
    good = GUARD + hook(everything)
    daemon = start_pfild(host_lab.fw, config=good)
    BAD[what](daemon, good)
    assert run_of_the_unit(daemon, "ExecReload") == (0 if "nobody has compiled" in what else 1)
    assert [one["name"] for one in daemon.bpfctl.json("hooks")["hooks"]] == ["file:a"]
    assert unanswered(host_lab.cli, "192.0.2.2", count=2)
    assert_ends_well(daemon)


@pytest.mark.parametrize("what", BAD)
def test_a_refused_reload_names_file_and_mistake(host_lab, start_pfild, everything, what):
    good = GUARD + hook(everything)
    daemon = start_pfild(host_lab.fw, config=good)
    BAD[what](daemon, good)
    said = daemon.bpfctl.refused("reload")
    assert said.exit_code == 1 and "the old configuration stays in force" in said.line, said
    error = json.loads(daemon.bpfctl.refused("--json", "reload").line)["error"]
    assert error["what"] and error["errno"] in ("EINVAL", "EOPNOTSUPP"), error
    daemon.configure(good)
    path_of(daemon).chmod(0o644)
    assert daemon.bpfctl("reload") == "nothing has changed\n"
    assert_ends_well(daemon)


def test_a_reload_says_what_it_has_changed(host_lab, start_pfild, everything):
    daemon = start_pfild(host_lab.fw, config=GUARD + hook(everything))
    daemon.configure("buffers = 8192\n" + GUARD + hook(everything, "count"))
    said = daemon.bpfctl.json("reload")
    assert said == {
        "changes": ["settings: changed", "hook file:a: changed"],
        "needs_restart": ["buffers: 32768 stays in force, 8192 needs a restart"],
        "confirm_within_s": None,
    }
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    daemon.bpfctl("hook", "delete", "file:a")
    assert "hook file:a: added" in daemon.bpfctl("reload")
    assert_ends_well(daemon)


def test_without_files_there_is_nothing_to_reload(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    if daemon.bpfctl.run("reload").returncode != 0:
        assert "--config" in daemon.bpfctl.refused("reload").line
    assert_ends_well(daemon)


CHANGES = [
    ("attach eth0", ["attach", "eth0"]),
    ("hook-add cbpf:a", ["hook", "add", "cbpf:a", "--filter", "icmp", "--type", "inet", "--on-match", "count"]),
    ("link cbpf:a inet", ["link", "-i", "cbpf:a", "inet"]),
    ("unlink cbpf:a inet", ["unlink", "-i", "cbpf:a", "inet"]),
    ("hook-delete cbpf:a", ["hook", "delete", "cbpf:a"]),
    ("flows-flush", ["flows", "flush"]),
    ("detach eth0", ["detach", "eth0"]),
]


def test_F41_the_log_has_a_line_a_change_and_says_who_made_it(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    for deed, words in CHANGES:
        process = subprocess.Popen([program("bpfctl"), "-N", daemon.name, *words], stdout=subprocess.PIPE)
        process.communicate()
        assert process.returncode == 0
        assert f"{deed}: by user 0, process {process.pid}\n" in daemon.current_log(), daemon.current_log()
    before = daemon.current_log().count("by user")
    daemon.bpfctl("status")
    daemon.bpfctl.refused("detach", "eth0")
    assert daemon.current_log().count("by user") == before, "nothing has changed"
    assert_ends_well(daemon)


def test_F41_the_journal_is_told_the_priority_of_each_line(host_lab, start_pfild):
    daemon = Pfild(host_lab.fw, started_by=["env", "JOURNAL_STREAM=8:1"])
    try:
        daemon.bpfctl("attach", "eth0")
        daemon.bpfctl.run("reload")
        lines = daemon.current_log().splitlines()
        assert lines and all(re.match(r"<[2-7]>", line) for line in lines), lines
        assert any(line.startswith("<6>") and "attach eth0" in line for line in lines)
        host_lab.fw.run("ip", "link", "del", "eth0")
        assert wait_until(lambda: "<4>eth0: the interface is gone" in daemon.current_log())
        assert daemon.stop() == 0
    finally:
        daemon.close()


def test_F13_what_goes_through_without_a_record_ends_with_4_and_what_does_not_with_1(host_lab, small_run):
    daemon = Pfild(host_lab.fw, config=f'runtime_dir = "{small_run}"\n', start=False)

    def ask(*words):
        return ask_at(small_run / daemon.name / "control.sock", *words)

    try:
        daemon._process = host_lab.fw.popen(*daemon._command)
        assert wait_until(lambda: ask("status").returncode == 0, timeout_s=20)
        assert ask("attach", "eth0").returncode == 0
        successor = small_run / daemon.name / "model.next"
        successor.unlink()
        successor.mkdir()  # so the next model cannot be written
        add = ask("hook", "add", "cbpf:a", "--filter", "icmp", "--type", "inet", "--on-match", "drop")
        assert add.returncode == 1 and "is a directory" in add.stderr.lower(), add
        detach = ask("--json", "detach", "eth0")
        assert detach.returncode == 4 and "in force, not recorded" in detach.stderr, detach
        assert "is a directory" in json.loads(detach.stdout)["unrecorded"].lower()
        assert json.loads(ask("--json", "status").stdout)["interfaces"] == []
        assert "in force, not recorded" in daemon.current_log()
        successor.rmdir()
        assert ask("attach", "eth0").returncode == 0
        assert daemon.stop() == 0
    finally:
        daemon.close()
