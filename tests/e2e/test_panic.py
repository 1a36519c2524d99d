# SPDX-License-Identifier: BSD-2-Clause
"""Panic: nothing passes, at once, whatever the rules say; and afterwards everything is as it was."""
import json

import pytest

from harness.bpfctl import ask_at
from harness.full_disk import fill
from harness.judges import assert_ends_well, wait_until
from harness.pfild import Pfild
from harness.ping import ping, unanswered
from harness.remote_shell import RemoteShell
from harness.rules import add_hook, guard

LOUD = "PANIC: all packets of attached interfaces are dropped"
IPV4, IPV6 = "192.0.2.2", "2001:db8:1::2"


@pytest.fixture
def daemon(host_lab, start_pfild):
    """With rules that let pings pass: hooks of each type, in kernel and engine, in an order that says something."""
    one = start_pfild(host_lab.fw)
    one.bpfctl("attach", "eth0")
    guard(one, "cbpf:telnet", "tcp dst port 23")
    guard(one, "cbpf:telnet6", "tcp dst port 23", kind="inet6", run="auto")
    guard(one, "cbpf:frames", "ether proto 0x1234", kind="ethernet", head="eth0", direction="i")
    add_hook(one, "cbpf:after", "udp dst port 9")
    one.bpfctl("link", "-i", "-a", "cbpf:after", "inet")
    return one


def rules(daemon):
    """Heads with their run orders, and the model as a whole."""
    heads = [(one["name"], one["in"], one["out"]) for one in daemon.bpfctl.json("heads")["heads"]]
    return heads, daemon.bpfctl.json("status")["model"]


def closed(lab):
    """Nothing passes, in either direction or family."""
    return (
        unanswered(lab.cli, IPV4, count=3)
        and unanswered(lab.cli, IPV6, count=3)
        and unanswered(lab.fw, "192.0.2.1", count=3)
        and unanswered(lab.fw, "2001:db8:1::1", count=3)
    )


def is_open(lab):
    return ping(lab.cli, IPV4, count=3).lost == 0 and ping(lab.cli, IPV6, count=3).lost == 0


def test_nothing_passes_and_afterwards_all_is_as_it_was(host_lab, daemon):
    shell = RemoteShell(host_lab.fw, host_lab.cli, 2222)
    before = rules(daemon)
    assert is_open(host_lab)
    assert LOUD in daemon.bpfctl("panic", "on")
    left = host_lab.fw.counter("tx_packets")
    assert closed(host_lab)
    shell.begin("echo", "through")
    assert shell.answer_within(2) is None, "an established connection"
    sent = host_lab.fw.counter("tx_packets") - left
    assert sent <= 10, "only neighbour discovery"
    assert daemon.bpfctl("status").startswith(LOUD)
    assert daemon.bpfctl.json("status")["panic"] is True
    assert rules(daemon)[0] == before[0], "what is linked is still linked"
    daemon.bpfctl("panic", "off")
    assert daemon.bpfctl.json("status")["panic"] is False
    assert LOUD not in daemon.bpfctl("status")
    assert rules(daemon) == before
    assert is_open(host_lab)
    assert shell.end(60) == (0, "through\n")
    assert unanswered_telnet(host_lab), "the rules are in force again"
    shell.close()
    assert_ends_well(daemon)


def unanswered_telnet(lab):
    return "timed out" in lab.cli.run("curl", "-sS", "-m", "1", f"telnet://{IPV4}:23", check=False).stderr.lower()


def test_twice_on_and_twice_off_are_no_mistakes(host_lab, daemon):
    before = rules(daemon)
    for word, expected in (("on", True), ("on", True), ("off", False), ("off", False)):
        daemon.bpfctl("panic", word)
        assert daemon.bpfctl.json("status")["panic"] is expected
    assert rules(daemon) == before and is_open(host_lab)
    assert daemon.bpfctl.refused("panic").exit_code == 2
    assert daemon.bpfctl.refused("panic", "maybe").exit_code == 2
    assert_ends_well(daemon)


def test_it_lasts_while_a_killed_daemon_is_gone_and_after_its_successor_has_come(host_lab, daemon):
    before = rules(daemon)
    daemon.bpfctl("panic", "on")
    daemon.kill9()
    assert closed(host_lab), "fail mode pass is for packets that nobody has decided about"
    daemon.start()
    assert daemon.bpfctl.json("status")["panic"] is True
    assert closed(host_lab)
    daemon.bpfctl("panic", "off")
    assert rules(daemon) == before and is_open(host_lab)
    assert_ends_well(daemon)


@pytest.mark.parametrize("how", ["a reload", "a reboot"])
def test_it_lasts_over(host_lab, start_pfild, how):
    daemon = start_pfild(host_lab.fw, config='[[interface]]\nname = "eth0"\n')
    daemon.bpfctl("panic", "on")
    if how == "a reload":
        daemon.configure('log_level = "info"\n[[interface]]\nname = "eth0"\n')
        daemon.reload()
        assert wait_until(lambda: " changes made" in daemon.current_log())
    else:
        confirmed = daemon.state_folder / "confirmed"  # it is written within a second or two
        assert wait_until(lambda: confirmed.exists() and '"panic":true' in confirmed.read_text())
        daemon.reboot()
    assert daemon.bpfctl.json("status")["panic"] is True
    assert closed(host_lab)
    daemon.bpfctl("panic", "off")
    assert is_open(host_lab)
    assert_ends_well(daemon)


def test_what_is_attached_or_linked_meanwhile_counts_afterwards(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("panic", "on")
    assert is_open(host_lab), "nothing is attached"
    daemon.bpfctl("attach", "eth0")
    assert closed(host_lab)
    guard(daemon, "cbpf:four", "icmp")
    assert closed(host_lab)
    daemon.bpfctl("panic", "off")
    assert unanswered(host_lab.cli, IPV4, count=2)
    assert ping(host_lab.cli, IPV6, count=3).lost == 0
    assert_ends_well(daemon)


def test_it_is_in_force_even_if_it_cannot_be_recorded(host_lab, small_run):
    daemon = Pfild(host_lab.fw, config=f'runtime_dir = "{small_run}"\n', start=False)
    try:
        daemon._process = host_lab.fw.popen(*daemon._command)
        ask = lambda *words: ask_at(small_run / daemon.name / "control.sock", *words)  # noqa: E731
        assert wait_until(lambda: ask("status").returncode == 0, timeout_s=20)
        assert ask("attach", "eth0").returncode == 0
        fill(small_run)
        full = lambda number: ask("hook", "add", f"cbpf:{number:060}", "--on-match", "drop", "--type", "inet", "--filter", "ip")  # noqa: E731
        assert any(full(number).returncode == 1 for number in range(2000)), "the running model has no more room"
        assert ask("panic", "on").returncode in (0, 4), "in force, and perhaps not recorded"
        assert json.loads(ask("--json", "status").stdout)["panic"] is True
        assert closed(host_lab)
        ask("panic", "off")
        assert is_open(host_lab)
        assert daemon.stop() == 0
    finally:
        daemon.close()
