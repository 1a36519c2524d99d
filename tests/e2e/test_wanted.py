# SPDX-License-Identifier: BSD-2-Clause
"""What was declared is what runs: files, what bpfctl did, and what happens to interfaces by itself."""
import json
import os
import time

import pytest

from harness.bpfctl import ask_at
from harness.full_disk import fill
from harness.judges import assert_ends_well, heads, wait_until
from harness.ping import ping, unanswered
from harness.pfild import Pfild
from harness.programs import program
from harness.rules import guard, hook_of_file

GUARD = '[[interface]]\nname = "{}"\nunknown = "drop"\n'
ICMP = "2\n48 0 0 9\n6 0 0 0\n"


def names(daemon):
    return sorted(one["name"] for one in daemon.bpfctl.json("hooks")["hooks"])


def attached(daemon):
    return sorted(one["name"] for one in daemon.bpfctl.json("status")["interfaces"])


def reloaded(daemon):
    """Reads the files again, and waits until it has, or has refused them."""
    ends = lambda: sum(daemon.current_log().count(end) for end in (" changes made", "stays in force"))  # noqa: E731
    before = ends()
    daemon.reload()
    assert wait_until(lambda: ends() > before)


@pytest.mark.parametrize("how", ["removed", "changed"])
def test_F10_a_hook_of_the_file_that_is_removed_or_changed_before_a_restart(host_lab, start_pfild, everything, how):
    daemon = start_pfild(host_lab.fw, config=GUARD.format("eth0") + hook_of_file("file:a", everything))
    assert unanswered(host_lab.cli, "192.0.2.2", count=2)
    guard(daemon, "cbpf:mine", "tcp dst port 23")
    daemon.kill9()
    daemon.configure(GUARD.format("eth0") + (hook_of_file("file:a", everything, on_match="count") if how == "changed" else ""))
    daemon.start()
    assert names(daemon) == (["cbpf:mine"] if how == "removed" else ["cbpf:mine", "file:a"])
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    assert_ends_well(daemon)


def test_F10_a_reload_puts_back_what_bpfctl_took_away_of_the_file(host_lab, start_pfild, everything):
    daemon = start_pfild(host_lab.fw, config=GUARD.format("eth0") + hook_of_file("file:a", everything))
    daemon.bpfctl("hook", "delete", "file:a")
    daemon.bpfctl("detach", "eth0")
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    reloaded(daemon)
    assert "hook file:a: added" in daemon.current_log()
    assert attached(daemon) == ["eth0"]
    assert unanswered(host_lab.cli, "192.0.2.2", count=2)
    assert_ends_well(daemon)


def add_pair(host, name="late0"):
    host.run("ip", "link", "add", name, "type", "veth", "peer", "name", name + "p")


def test_F11_an_interface_of_the_file_that_is_deleted_and_made_again_is_guarded_again(host_lab, start_pfild, everything):
    add_pair(host_lab.fw)
    config = GUARD.format("late0") + hook_of_file("file:late", everything, "ethernet", "late0")
    daemon = start_pfild(host_lab.fw, config=config)
    for _ in range(3):
        assert attached(daemon) == ["late0"]
        host_lab.fw.run("ip", "link", "del", "late0")
        assert wait_until(lambda: daemon.bpfctl.json("status").get("waited_for") == ["late0"])
        add_pair(host_lab.fw)
        assert wait_until(lambda: attached(daemon) == ["late0"], timeout_s=5)
        head = next(one for one in daemon.bpfctl.json("heads")["heads"] if one["name"] == "late0")
        assert head["in"] == ["file:late"]
    assert daemon.stop() == 0


@pytest.mark.parametrize("killed", [False, True], ids=["first start", "after a crash"])
def test_F12_what_is_there_is_guarded_and_what_is_missing_is_waited_for(host_lab, start_pfild, everything, killed):
    config = GUARD.format("late0") + GUARD.format("eth0") + hook_of_file("file:a", everything)
    daemon = Pfild(host_lab.fw, config=GUARD.format("eth0") + hook_of_file("file:a", everything) if killed else config, start=False)
    try:
        daemon.start()
        if killed:
            daemon.kill9()
            daemon.configure(config)
            daemon.start()
        assert attached(daemon) == ["eth0"]
        assert daemon.bpfctl.json("status")["waited_for"] == ["late0"]
        assert unanswered(host_lab.cli, "192.0.2.2", count=2)
        add_pair(host_lab.fw)
        assert wait_until(lambda: attached(daemon) == ["eth0", "late0"], timeout_s=5)
        assert daemon.bpfctl.json("status")["waited_for"] == []
        assert daemon.stop() == 0
    finally:
        daemon.close()


def test_F13_with_a_full_run_what_cannot_be_recorded_is_refused_and_detach_goes_through(host_lab, small_run, everything):
    daemon = Pfild(host_lab.fw, config=f'runtime_dir = "{small_run}"\n', start=False)
    try:
        daemon._process = host_lab.fw.popen(*daemon._command)
        ask = lambda *words: ask_at(small_run / daemon.name / "control.sock", *words)  # noqa: E731
        assert wait_until(lambda: ask("status").returncode == 0, timeout_s=20)
        add = ["--bytecode", everything, "--on-match", "drop", "--type", "inet"]
        assert ask("attach", "eth0").returncode == 0
        assert ask("hook", "add", "cbpf:a", *add).returncode == 0
        assert ask("link", "-i", "cbpf:a", "inet").returncode == 0
        fill(small_run)
        refused = None
        for number in range(2000):
            refused = ask("hook", "add", f"cbpf:{number:060}", *add)
            if refused.returncode != 0:
                break
        assert refused.returncode == 1 and "no space left" in refused.stderr.lower(), refused
        assert ask("hook", "delete", "cbpf:a").returncode == 0, "it needs less space than what is reserved"
        assert ask("detach", "eth0").returncode in (0, 4)
        said = json.loads(ask("--json", "hooks").stdout)["hooks"]
        daemon.kill9()
        daemon._process = host_lab.fw.popen(*daemon._command)
        assert wait_until(lambda: ask("status").returncode == 0, timeout_s=20)
        after = json.loads(ask("--json", "hooks").stdout)["hooks"]
        assert sorted(one["name"] for one in after) == sorted(one["name"] for one in said)
        assert json.loads(ask("--json", "status").stdout)["interfaces"] == []
        assert daemon.stop() == 0
    finally:
        daemon.close()


F14 = [
    ("a filter over bytecode of another", 'filter = "udp"\nbytecode = "{everything}"\n'),
    ("a program for Ethernet in an inet hook", 'bytecode = "{ethernet}"\n'),
    ("a filter that is none", "filter = 5\n"),
    ("an empty filter", 'filter = " "\n'),
]


@pytest.mark.parametrize("what, how", F14, ids=[row[0] for row in F14])
def test_F14_what_does_not_fit_together_is_a_mistake(host_lab, tmp_path, everything, what, how):
    ethernet = tmp_path / "ethernet.bpf"
    ethernet.write_text(host_lab.fw.run("tcpdump", "-y", "EN10MB", "-ddd", "tcp dst port 23").stdout)
    file = tmp_path / "pfild.toml"
    text = '[[hook]]\nname = "a:a"\ntype = "inet"\non_match = "drop"\n' + how.format(everything=everything, ethernet=ethernet)
    file.write_text(text)
    done = host_lab.fw.run(program("pfild"), "--check", "--config", file, check=False)
    assert done.returncode == 2 and f"{file}:" in done.stderr and "hook[1]." in done.stderr, done


def test_F15_a_typo_before_a_restart_leaves_the_host_guarded_by_the_last_good_model(host_lab, start_pfild, everything):
    good = GUARD.format("eth0") + hook_of_file("file:a", everything, on_match="count")
    daemon = start_pfild(host_lab.fw, config=good)
    daemon.kill9()
    daemon.configure(good.replace("on_match", "on_mach"))
    daemon.start()
    assert "hook[1].on_mach: is not known" in daemon.current_log()
    assert names(daemon) == ["file:a"] and attached(daemon) == ["eth0"]
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0, "it is not cut off"
    assert daemon.bpfctl.json("status")["started_from"].startswith("failsafe")
    assert_ends_well(daemon)


def test_F26_1000_hooks_of_a_file_are_one_change_and_one_write(host_lab, start_pfild, everything):
    rules = "".join(hook_of_file(f"file:{number:04}", everything, on_match="count") for number in range(1000))
    daemon = start_pfild(host_lab.fw, config=GUARD.format("eth0"))
    daemon.configure(GUARD.format("eth0") + rules)
    written = lambda: int(open(f"/proc/{daemon.pid}/io").read().split("wchar: ")[1].split()[0])  # noqa: E731, SIM115
    before, began = written(), time.monotonic()
    reloaded(daemon)
    assert "1001 changes made" in daemon.current_log()
    took = time.monotonic() - began
    assert len(names(daemon)) == 1000
    size = (daemon.run_folder / "model").stat().st_size
    assert written() - before < 5 * size, "the running model, the log, and what is kept for the next boot"
    print(f"{took:.2f} s, model of {size} bytes")
    assert took < 10
    assert_ends_well(daemon)


def test_files_are_merged_in_the_order_of_their_names(host_lab, start_pfild, everything):
    daemon = Pfild(host_lab.fw, config=GUARD.format("eth0"), start=False)
    folder = daemon._folder / "pfild.d"
    folder.mkdir()
    (folder / "20-b.toml").write_text(hook_of_file("file:b", everything, on_match="count"))
    (folder / "10-a.toml").write_text(hook_of_file("file:a", everything, on_match="count"))
    (folder / ".hidden.toml").write_text("[[[\n")
    (folder / "notes.txt").write_text("[[[\n")
    try:
        daemon.start()
        head = next(one for one in daemon.bpfctl.json("heads")["heads"] if one["name"] == "inet")
        assert head["in"] == ["file:b", "file:a"], "the later one is nearer the wire"
        assert daemon.stop() == 0
    finally:
        daemon.close()


def others_write(path):
    path.chmod(0o666)


def belongs_to_others(path):
    os.chown(path, 65534, 65534)


def behind_a_foreign_link(path):
    real = path.with_name("real.toml")
    path.rename(real)
    path.symlink_to(real)
    os.chown(path, 65534, 65534, follow_symlinks=False)


def in_a_folder_of_others(path):
    os.chown(path.parent, 65534, 65534)


@pytest.mark.parametrize("how", [others_write, belongs_to_others, behind_a_foreign_link, in_a_folder_of_others])
def test_files_that_others_could_have_written_are_refused(host_lab, tmp_path, how):
    folder = tmp_path / "etc"
    folder.mkdir()
    file = folder / "pfild.toml"
    file.write_text(GUARD.format("eth0"))
    check = lambda: host_lab.fw.run(program("pfild"), "--check", "--config", file, check=False)  # noqa: E731
    assert check().returncode == 0
    how(file)
    done = check()
    assert done.returncode == 2 and ("root" in done.stderr or "user 65534" in done.stderr), done


def test_an_interface_that_changes_its_fail_mode_is_never_without_heads(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=GUARD.format("eth0"))
    before = heads(host_lab.fw)
    daemon.configure(GUARD.format("eth0").replace("drop", "pass"))
    reloaded(daemon)
    assert daemon.bpfctl.interface("eth0")["unknown"] == "pass"
    assert heads(host_lab.fw) == before
    assert_ends_well(daemon)
