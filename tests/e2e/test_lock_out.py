# SPDX-License-Identifier: BSD-2-Clause
"""The lock-out guard: a change that would cut the connection by which it is made is refused."""
import json
import shlex

import pytest

from harness.judges import assert_ends_well, wait_until
from harness.programs import program
from harness.remote_shell import RemoteShell
from harness.rules import add_hook

PORT = 2222
NOTHING = "the lock-out guard has found no connection to check"


@pytest.fixture
def connect(host_lab):
    """connect(port): a RemoteShell from cli to fw."""
    made = []

    def make(port=PORT, **options):
        made.append(RemoteShell(host_lab.fw, host_lab.cli, port, **options))
        return made[-1]

    yield make
    for shell in made:
        shell.close()


@pytest.fixture
def daemon(host_lab, start_pfild):
    """Its hooks cbpf:in and cbpf:out would cut who is connected to PORT, cbpf:new who comes anew; none is linked."""
    one = start_pfild(host_lab.fw)
    one.bpfctl("attach", "eth0")
    add_hook(one, "cbpf:in", f"tcp dst port {PORT}")
    add_hook(one, "cbpf:out", f"tcp src port {PORT}")
    add_hook(one, "cbpf:new", f"tcp dst port {PORT} and tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn")
    add_hook(one, "cbpf:other", "tcp port 23 or udp")
    return one


def bpfctl(daemon, *words):
    return [str(program("bpfctl")), "-N", daemon.name, *words]


def linked(daemon, hook="cbpf:in"):
    return daemon.bpfctl.hook(hook)["links"] != []


HOW = {
    "directly": lambda words: words,
    "sudo": lambda words: ["sudo", "-n", *words],
    "sudo in a shell of sudo": lambda words: ["sudo", "-n", "sh", "-c", f"sudo -n {shlex.join(words)}; exit $?"],
    "a pipe": lambda words: ["bash", "-c", f"set -o pipefail; echo | {shlex.join(words)} 2>&1 | cat"],
    "a shell in a session of its own": lambda words: ["setsid", "--wait", "sh", "-c", f"{shlex.join(words)}; exit $?"],
}


@pytest.mark.parametrize("how", HOW)
def test_a_change_that_would_cut_who_makes_it_is_refused_and_the_connection_lives(daemon, connect, how):
    shell = connect()
    code, said = shell.run(*HOW[how](bpfctl(daemon, "link", "-i", "cbpf:in", "inet")))
    assert code == 1
    assert "192.0.2.2:2222" in said and "hook cbpf:in at head inet" in said and "--force" in said, said
    assert not linked(daemon)
    assert shell.run("echo", "here") == (0, "here\n")
    assert shell.run(*HOW[how](bpfctl(daemon, "link", "-i", "cbpf:other", "inet")))[0] == 0, "other rules are nobody's business"
    assert_ends_well(daemon)


def test_it_is_found_from_within_tmux(daemon, connect):
    shell = connect()
    code, said = shell.run_in_tmux(*bpfctl(daemon, "link", "-i", "cbpf:in", "inet"))
    assert code == 1 and "192.0.2.2:2222" in said, said
    assert not linked(daemon)
    assert shell.run("echo", "here") == (0, "here\n")
    assert shell.run_in_tmux(*bpfctl(daemon, "link", "-i", "cbpf:other", "inet"))[0] == 0
    assert_ends_well(daemon)


@pytest.mark.parametrize(
    "hook, direction, said", [("cbpf:out", "-o", "outgoing at eth0"), ("cbpf:new", "-i", "a new one from the same peer")]
)
def test_answers_and_new_connections_are_not_cut_either(daemon, connect, hook, direction, said):
    code, why = connect().run(*bpfctl(daemon, "link", direction, hook, "inet"))
    assert code == 1 and said in why
    assert not linked(daemon, hook)
    assert_ends_well(daemon)


def test_with_force_it_is_done_and_the_connection_is_cut_until_it_is_taken_back(daemon, connect):
    shell = connect()
    shell.begin(*bpfctl(daemon, "link", "-i", "--force", "cbpf:in", "inet"))
    assert wait_until(lambda: linked(daemon))
    shell.answer_within(1)  # it may have left before
    shell.begin("echo", "through")
    assert shell.answer_within(2) is None
    daemon.bpfctl("unlink", "-i", "cbpf:in", "inet")
    assert shell.end(60)[0] == 0
    assert_ends_well(daemon)


def test_an_attach_is_refused_if_the_rules_that_are_there_would_cut(host_lab, start_pfild, connect):
    daemon = start_pfild(host_lab.fw)
    add_hook(daemon, "cbpf:in", f"tcp dst port {PORT}")
    daemon.bpfctl("link", "-i", "cbpf:in", "inet")
    shell = connect()
    code, said = shell.run(*bpfctl(daemon, "attach", "eth0"))
    assert code == 1 and "hook cbpf:in at head inet" in said
    assert daemon.bpfctl.json("status")["interfaces"] == []
    assert shell.run("echo", "here") == (0, "here\n")
    assert daemon.stop() == 0 and daemon.left_behind() == []


@pytest.mark.parametrize("who", ["a guarded port", "sshd"])
def test_a_caller_from_elsewhere_does_not_cut_who_is_connected_to_a_guarded_port(host_lab, start_pfild, connect, who):
    guarded = who == "a guarded port"
    daemon = start_pfild(host_lab.fw, config=f"guard_ports = [{PORT if guarded else 22}]\n")
    daemon.bpfctl("attach", "eth0")
    add_hook(daemon, "cbpf:in", f"tcp dst port {PORT}")
    shell = connect(name="python3" if guarded else "sshd")
    refusal = daemon.bpfctl.refused("link", "-i", "cbpf:in", "inet")
    assert refusal.exit_code == 1 and "192.0.2.2:2222" in refusal.line
    assert shell.run("echo", "here") == (0, "here\n")
    daemon.bpfctl("link", "-i", "--force", "cbpf:in", "inet")
    assert linked(daemon)
    assert_ends_well(daemon)


def test_it_says_so_if_there_is_nothing_to_check(daemon):
    people = daemon.bpfctl.run("link", "-i", "cbpf:in", "inet")
    assert people.returncode == 0 and NOTHING not in people.stdout, "a script reads it"
    assert people.stderr == f"bpfctl: {NOTHING}: neither you nor anybody at the guarded ports is connected by TCP\n"
    script = daemon.bpfctl.run("--json", "link", "-i", "cbpf:out", "inet")
    assert NOTHING in json.loads(script.stdout)["remark"] and script.stderr == ""
    assert NOTHING in daemon.current_log()
    assert_ends_well(daemon)


def test_it_says_nothing_under_changes_that_can_cut_nobody(daemon):
    daemon.host.run("ip", "link", "add", "spare0", "type", "veth", "peer", "name", "spare1")
    daemon.bpfctl("attach", "--force", "spare0")
    daemon.bpfctl("link", "-i", "--force", "cbpf:in", "inet")
    add_hook(daemon, "cbpf:frames", "ip", kind="ethernet")
    daemon.bpfctl("link", "-i", "--force", "cbpf:frames", "spare0")
    add_hook(daemon, "cbpf:counts", "ip", on_match="count")
    for words in (
        ("hook", "add", "cbpf:more", "--type", "inet", "--on-match", "drop", "--filter", "ip"),
        ("link", "-i", "cbpf:counts", "inet"),
        ("unlink", "-i", "cbpf:frames", "spare0"),
        ("hook", "disable", "cbpf:in"),
        ("hook", "delete", "cbpf:frames"),
        ("detach", "spare0"),
        ("hook", "delete", "cbpf:in"),
        ("detach", "eth0"),
    ):
        done = daemon.bpfctl.run(*words)
        assert done.returncode == 0 and done.stderr == "", words
    assert NOTHING not in daemon.current_log()
    assert_ends_well(daemon)


def test_a_reload_is_refused_if_it_would_cut_who_is_at_a_guarded_port(host_lab, start_pfild, connect):
    attached = f'guard_ports = [{PORT}]\n[[interface]]\nname = "eth0"\n'
    daemon = start_pfild(host_lab.fw, config=attached)
    shell = connect()
    daemon.configure(
        attached + f'[[hook]]\nname = "file:in"\ntype = "inet"\non_match = "drop"\nfilter = "tcp dst port {PORT}"\n'
        '[[link]]\nhook = "file:in"\nhead = "inet"\ndirections = ["in"]\n'
    )
    daemon.reload()
    assert wait_until(lambda: "stays in force" in daemon.current_log())
    assert "the lock-out guard: hook file:in at head inet would drop its next segment" in daemon.current_log()
    assert daemon.bpfctl.json("hooks")["hooks"] == []
    assert shell.run("echo", "here") == (0, "here\n")
    assert_ends_well(daemon)


def test_the_port_of_a_bridge_decides_about_what_comes_to_the_bridge(host_lab, start_pfild, connect):
    fw, cli = host_lab.fw, host_lab.cli
    fw.run("ip", "link", "add", "up0", "type", "bridge", "mcast_snooping", "0")
    fw.run("ip", "address", "add", "203.0.113.2/24", "dev", "up0")
    fw.run("ip", "link", "set", "eth0", "master", "up0")
    fw.run("ip", "link", "set", "up0", "up")
    cli.run("ip", "address", "add", "203.0.113.1/24", "dev", "eth0")
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "eth0")
    add_hook(daemon, "cbpf:frames", f"tcp dst port {PORT}", kind="ethernet")
    shell = connect(address="203.0.113.2")
    code, said = shell.run(*bpfctl(daemon, "link", "-i", "cbpf:frames", "eth0"))
    assert code == 1 and "hook cbpf:frames at head eth0" in said and "incoming at eth0" in said, said
    assert shell.run("echo", "here") == (0, "here\n")
    assert_ends_well(daemon)
