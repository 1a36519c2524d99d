# SPDX-License-Identifier: BSD-2-Clause
"""Ways past the lock-out guard that somebody could take by accident: each of them is closed, or said beforehand."""
import json
import shlex

import pytest

from harness.judges import assert_ends_well, wait_until
from harness.pfild import Pfild
from harness.programs import program
from harness.remote_shell import RemoteShell
from harness.rules import add_hook
from test_lock_out import PORT, bpfctl, connect, linked  # noqa: F401

DROPS_FRAMES = f"tcp port {PORT}"


@pytest.fixture
def daemon(host_lab, start_pfild):
    """Nothing is linked; cbpf:in and cbpf:in6 would cut who is connected to PORT, cbpf:frames at the head of an interface."""
    one = start_pfild(host_lab.fw)
    add_hook(one, "cbpf:in", f"tcp dst port {PORT}")
    add_hook(one, "cbpf:in6", f"tcp dst port {PORT}", kind="inet6")
    add_hook(one, "cbpf:frames", DROPS_FRAMES, kind="ethernet")
    return one


def apply(daemon, shell, model, *options):
    """`config apply` of a file, over the connection."""
    words = shlex.join(bpfctl(daemon, "config", "apply", *options, "-"))
    return shell.run("bash", "-c", f"{words} <<'END'\n{model}\nEND")


def of_file(interface, filter_text=DROPS_FRAMES):
    return (
        f'guard_ports = [{PORT}]\n[[interface]]\nname = "{interface}"\n'
        f'[[hook]]\nname = "file:frames"\ntype = "ethernet"\non_match = "drop"\nfilter = "{filter_text}"\n'
        f'[[link]]\nhook = "file:frames"\nhead = "{interface}"\ndirections = ["in"]\n'
    )


def lives(shell):
    return shell.run("echo", "here") == (0, "here\n")


@pytest.mark.parametrize("address", ["2001:db8:1::2", "link-local"])
def test_a_connection_by_ipv6(host_lab, daemon, connect, address):
    if address == "link-local":
        link = json.loads(host_lab.fw.run("ip", "-j", "-6", "address", "show", "dev", "eth0", "scope", "link").stdout)
        address = next(one["local"] for one in link[0]["addr_info"] if one.get("local")) + "%eth0"
    daemon.bpfctl("attach", "eth0")
    shell = connect(address=address)
    code, said = shell.run(*bpfctl(daemon, "link", "-i", "cbpf:in6", "inet6"))
    assert code == 1 and "hook cbpf:in6 at head inet6" in said, said
    assert lives(shell)
    assert shell.run(*bpfctl(daemon, "link", "-i", "cbpf:in", "inet"))[0] == 0, "it is of the other family"
    assert_ends_well(daemon)


def test_packets_that_come_by_another_interface_than_answers_leave_by(host_lab, daemon, connect):
    fw, cli = host_lab.fw, host_lab.cli
    fw.run("ip", "link", "add", "up1", "type", "veth", "peer", "name", "up1", "netns", cli.namespace)
    for host, address in ((fw, "203.0.113.2/24"), (cli, "203.0.113.1/24")):
        for name in ("all", "eth0", "up1"):
            host.run("sysctl", "-qw", f"net.ipv4.conf.{name}.rp_filter=0")
        host.run("ip", "address", "add", address, "dev", "up1")
        host.run("ip", "link", "set", "up1", "up")
    daemon.bpfctl("attach", "up1")
    shell = connect(address="203.0.113.2", source="192.0.2.1")
    code, said = shell.run(*bpfctl(daemon, "link", "-i", "cbpf:frames", "up1"))
    assert code == 1 and "hook cbpf:frames at head up1" in said and "incoming at up1" in said, said
    assert lives(shell)
    assert shell.run(*bpfctl(daemon, "link", "-o", "cbpf:frames", "up1"))[0] == 0, "nothing of it leaves by there"
    assert lives(shell)
    assert_ends_well(daemon)


def test_a_connection_that_ends_at_a_relay_of_the_same_host(host_lab, daemon, connect):
    host_lab.fw.run("ip", "link", "set", "lo", "up")
    daemon.bpfctl("attach", "eth0")
    add_hook(daemon, "cbpf:relay", "tcp dst port 5000")
    shell = connect(relay_port=5000)
    code, said = shell.run(*bpfctl(daemon, "link", "-i", "cbpf:relay", "inet"))
    assert code == 1 and "192.0.2.2:5000" in said and "hook cbpf:relay at head inet" in said, said
    assert lives(shell)
    assert shell.run(*bpfctl(daemon, "link", "-i", "cbpf:in", "inet"))[0] == 0, "its packets are to the relay's port"
    assert lives(shell)
    assert_ends_well(daemon)


@pytest.mark.parametrize("lines", [
    "attach eth0\nlink -i cbpf:frames eth0\n",
    "hook delete cbpf:in\nattach eth*\nlink -i cbpf:frames eth*\n",
    "hook delete cbpf:in6\nlink -i cbpf:in inet\nattach eth0\n",
])
def test_a_batch_that_attaches_what_its_rules_would_cut(daemon, connect, lines):
    shell = connect()
    words = shlex.join(bpfctl(daemon, "batch", "-"))
    code, said = shell.run("bash", "-c", f"printf '{lines}' | {words}")
    assert code == 1 and "the lock-out guard" in said and "192.0.2.2:2222" in said, said
    assert daemon.bpfctl.json("status")["interfaces"] == []
    assert lives(shell)
    assert_ends_well(daemon)


def test_detach_and_attach_in_one_batch_with_a_rule_between(daemon, connect):
    daemon.bpfctl("attach", "eth0")
    shell = connect()
    words = shlex.join(bpfctl(daemon, "batch", "-"))
    code, said = shell.run("bash", "-c", f"printf 'detach eth0\\nlink -i cbpf:in inet\\nattach eth0\\n' | {words}")
    assert code == 1 and "hook cbpf:in at head inet" in said, said
    assert not linked(daemon) and lives(shell)
    assert shell.run("bash", "-c", f"printf 'detach eth0\\nlink -i cbpf:in inet\\n' | {words}")[0] == 0, "nobody asks it any more"
    assert lives(shell)
    assert_ends_well(daemon)


def test_a_mode_in_which_packets_meet_rules_that_they_did_not_meet(daemon, connect):
    daemon.bpfctl("attach", "eth0", "--mode", "tap")
    daemon.bpfctl("link", "-i", "cbpf:in", "inet")
    shell = connect()
    code, said = apply(daemon, shell, '[[interface]]\nname = "eth0"\nmode = "tc"\n')
    assert code == 1 and "hook cbpf:in at head inet" in said, said
    words = shlex.join(bpfctl(daemon, "batch", "-"))
    code, said = shell.run("bash", "-c", f"printf 'detach eth0\\nattach eth0 --mode tc\\n' | {words}")
    assert code == 1 and "hook cbpf:in at head inet" in said, said
    assert lives(shell)
    assert_ends_well(daemon)


def test_a_model_that_is_applied(daemon, connect):
    shell = connect()
    code, said = apply(daemon, shell, of_file("eth0"))
    assert code == 1 and "hook file:frames at head eth0" in said, said
    assert daemon.bpfctl.json("status")["interfaces"] == []
    daemon.bpfctl("attach", "eth0")
    whole = json.loads(daemon.bpfctl("config", "show"))
    code, said = apply(daemon, shell, json.dumps({**whole, "panic": True}))
    assert code == 1 and "hook pfild:panic at head ethernet" in said, "it is not the verb that is for that"
    assert lives(shell)
    assert_ends_well(daemon)


def test_what_is_linked_during_panic_is_judged_by_what_comes_after_it(host_lab, start_pfild, connect):
    daemon = start_pfild(host_lab.fw, config=f"guard_ports = [{PORT}]\n")
    daemon.bpfctl("attach", "eth0")
    add_hook(daemon, "cbpf:in", f"tcp dst port {PORT}")
    shell = connect()
    daemon.bpfctl("panic", "on")
    refusal = daemon.bpfctl.refused("link", "-i", "cbpf:in", "inet")
    assert "hook cbpf:in at head inet" in refusal.line
    daemon.bpfctl("panic", "off")
    assert lives(shell)
    assert_ends_well(daemon)


def test_an_interface_that_cannot_be_attached_yet_is_judged_when_it_is_asked_for(host_lab, daemon, connect):
    """Another instance guards it, and ends later: then it is attached by itself."""
    other = Pfild(host_lab.fw)
    try:
        other.bpfctl("attach", "eth0")
        shell = connect()
        words = shlex.join(bpfctl(daemon, "batch", "-"))
        code, said = shell.run("bash", "-c", f"printf 'attach eth*\\nlink -i cbpf:frames eth*\\n' | {words}")
        assert code == 1 and "hook cbpf:frames at head eth0" in said, said
        assert daemon.bpfctl.json("status")["waited_for"] == []
        assert shell.run(*bpfctl(daemon, "attach", "eth*"))[0] == 0
        code, said = shell.run(*bpfctl(daemon, "link", "-i", "cbpf:in", "inet"))
        assert code == 1 and "hook cbpf:in at head inet" in said, said
        assert other.stop() == 0
        assert wait_until(lambda: [one["name"] for one in daemon.bpfctl.json("status")["interfaces"]] == ["eth0"])
        assert lives(shell)
    finally:
        other.close()
    assert_ends_well(daemon)


def test_an_interface_that_is_not_there_yet_is_told_about_and_is_guarded_when_it_comes(host_lab, start_pfild, connect):
    """It comes by being called so, while it carries the connection: whoever named it had been told."""
    daemon = start_pfild(host_lab.fw)
    shell = connect()
    code, said = apply(daemon, shell, of_file("wan0", "tcp dst port 80"))
    assert code == 0 and "guard" not in said, "it would not be cut"
    code, said = apply(daemon, shell, of_file("wan0"))
    assert code == 0 and "the lock-out guard: wan0 is not there yet; when it comes, hook file:frames at head wan0 would drop its next segment" in said
    add_hook(daemon, "cbpf:other", "udp")
    code, said = shell.run(*bpfctl(daemon, "hook", "add", "cbpf:more", "--type", "inet", "--on-match", "drop", "--filter", "udp"))
    assert code == 0 and "guard" not in said, "it has been told"
    assert lives(shell)
    host_lab.fw.run("ip", "link", "property", "add", "dev", "eth0", "altname", "wan0")
    assert wait_until(lambda: [one["name"] for one in daemon.bpfctl.json("status")["interfaces"]] == ["eth0"])
    assert wait_until(lambda: "has come by itself is guarded, as was asked for, and that cuts TCP 192.0.2.1" in daemon.current_log())
    daemon.bpfctl("detach", "eth0")
    assert lives(shell)
    assert_ends_well(daemon)
