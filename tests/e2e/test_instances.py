# SPDX-License-Identifier: BSD-2-Clause
"""Several instances at once (PF-27): each has its own heads, hooks, counters and interfaces, and nothing of another's. And what
bpfctl promises for every verb: exit codes, prefixes, JSON."""
import json

import pytest

from harness.flow import send_and_judge
from harness.judges import assert_balanced, assert_ends_well, heads, wait_until
from harness.ping import ping, unanswered
from harness.rules import add_hook, counted, guard


def test_instances_in_two_namespaces_have_heads_hooks_and_links_of_their_own(make_lab, start_pfild):
    one_lab, other_lab = make_lab("host"), make_lab("host")
    every_packet = ("--no-cache",)  # so that hooks count what was sent
    one, other = start_pfild(one_lab.fw, options=every_packet), start_pfild(other_lab.fw, options=every_packet)
    for daemon in (one, other):
        daemon.bpfctl("attach", "eth0")
    guard(one, "cbpf:same", "icmp", direction="i")
    assert other.bpfctl.json("hooks") == {"count": 0, "hooks": []}
    assert other.bpfctl.refused("link", "-i", "cbpf:same", "inet").exit_code == 1
    add_hook(other, "cbpf:same", "icmp")  # the same name is free there
    assert unanswered(one_lab.cli, "192.0.2.2") and ping(other_lab.cli, "192.0.2.2", count=10).lost == 0
    other.bpfctl("link", "-i", "cbpf:same", "inet")
    one.bpfctl("unlink", "-i", "cbpf:same", "inet")
    assert ping(one_lab.cli, "192.0.2.2", count=10).lost == 0 and unanswered(other_lab.cli, "192.0.2.2")
    assert wait_until(lambda: [counted(daemon, "cbpf:same")["dropped"] for daemon in (one, other)] == [10, 10])
    pids = {daemon.bpfctl.json("status")["pid"] for daemon in (one, other)}
    assert pids == {one.pid, other.pid}
    one.kill9()
    assert unanswered(other_lab.cli, "192.0.2.2")
    assert ping(one_lab.cli, "192.0.2.2", count=10).lost == 0
    assert_ends_well(other)


def test_two_instances_at_once_lose_nothing_of_their_flows(make_lab, start_pfild):
    labs = [make_lab("host"), make_lab("host")]
    daemons = [start_pfild(lab.fw) for lab in labs]
    for daemon in daemons:
        daemon.bpfctl("attach", "eth0")
        guard(daemon, "cbpf:count", "udp", on_match="count")
    results = [send_and_judge(lab.cli, lab.fw, "192.0.2.2", rate_pps=10_000, count=5_000) for lab in labs]
    assert all(result.clean() for result in results), results
    for daemon in daemons:
        assert counted(daemon, "cbpf:count")["matched"] == 5_000
        assert_ends_well(daemon)


def test_two_instances_in_one_namespace_guard_an_interface_each(router_lab, start_pfild):
    one, other = (start_pfild(router_lab.fw, config='tc_attach = "clsact"\n') for _ in range(2))
    one.bpfctl("attach", "eth0")
    other.bpfctl("attach", "eth1")
    guard(one, "cbpf:count", "icmp", on_match="count", direction="i")
    guard(other, "cbpf:count", "icmp", on_match="count", direction="o")
    assert ping(router_lab.cli, "198.51.100.1", count=20).lost == 0
    assert [counted(daemon, "cbpf:count")["matched"] for daemon in (one, other)] == [20, 20]
    assert [head["covers"] for head in one.bpfctl.json("heads")["heads"] if head["name"] == "inet"] == [["eth0"]]
    guard(other, "cbpf:block", "icmp", direction="o")
    assert unanswered(router_lab.cli, "198.51.100.1")
    assert ping(router_lab.cli, "192.0.2.2", count=10).lost == 0
    assert_balanced(other)
    assert other.stop() == 0
    assert heads(router_lab.fw, "eth1") == {"ingress": [], "egress": []}
    assert ping(router_lab.cli, "198.51.100.1", count=20).lost == 0
    assert [len(side) for side in heads(router_lab.fw, "eth0").values()] == [1, 1]
    assert_ends_well(one, "eth0", "eth1")


def test_an_interface_of_another_living_instance_is_refused_and_stays_guarded(host_lab, start_pfild):
    one, other = start_pfild(host_lab.fw), start_pfild(host_lab.fw)
    one.bpfctl("attach", "eth0")
    guard(one, "cbpf:ping", "icmp", direction="i")
    before = heads(host_lab.fw)
    refusal = other.bpfctl.refused("attach", "eth0")
    assert refusal.exit_code == 1 and "another instance of pfild has this interface" in refusal.line, refusal
    assert heads(host_lab.fw) == before
    assert unanswered(host_lab.cli, "192.0.2.2")
    assert [head["name"] for head in other.bpfctl.json("heads")["heads"]] == ["inet", "inet6", "ethernet"]
    assert other.bpfctl.json("status")["interfaces"] == []
    assert other.stop() == 0
    assert heads(host_lab.fw) == before
    assert unanswered(host_lab.cli, "192.0.2.2")
    assert_ends_well(one)


@pytest.fixture
def guarded(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:one", "tcp dst port 23", direction="i")
    return daemon


# verb with its words, in an order in which each can be done; what its result holds
VERBS = [
    (["version"], {"protocol": 2}),
    (["status"], {"interfaces", "buffers", "pid"}),
    (["heads"], {"count": 4}),
    (["hooks"], {"count": 1}),
    (["stats"], {"engine", "flows", "buffers", "interfaces"}),
    (["flows"], {"count", "flows"}),
    (["flows", "tcp", "port", "443"], {"count", "flows"}),
    (["flows", "flush"], {"forgotten"}),
    (["hook", "add", "cbpf:two", "--filter", "icmp", "--on-match", "count", "--type", "inet"], {"name": "cbpf:two"}),
    (["link", "-i", "-o", "-a", "cbpf:two", "inet"], {"in": ["cbpf:one", "cbpf:two"], "out": ["cbpf:two"]}),
    (["unlink", "-o", "cbpf:two", "inet"], {"in": ["cbpf:one", "cbpf:two"], "out": []}),
    (["hook", "delete", "cbpf:two"], {}),
    (["detach", "eth0"], {}),
    (["attach", "eth0", "--unknown", "drop"], {"name": "eth0", "unknown": "drop", "state": "attached"}),
]


def test_every_verb_answers_with_valid_json_and_exit_0(guarded):
    for words, holds in VERBS:
        for place in (["--json", *words], [*words, "--json"]):
            done = guarded.bpfctl.run(*place)
            assert (done.returncode, done.stderr) == (0, ""), (words, done.stderr)
            result = json.loads(done.stdout)
            assert set(holds) <= set(result), (words, result)
            if isinstance(holds, dict):
                assert holds.items() <= result.items(), (words, result)
            if words[0] in ("hook", "link", "unlink", "detach", "attach"):
                break  # done once is done


def test_every_verb_says_something_to_people_and_has_help(guarded):
    for words, _ in VERBS:
        done = guarded.bpfctl.run(*words)
        said = [line for line in done.stderr.splitlines() if "the lock-out guard has found no connection" not in line]
        assert (done.returncode, said) == (0, []), (words, done.stderr)
        name = words[:2] if words[0] == "hook" else words[:1]
        told = guarded.bpfctl.run("help", *name)
        assert told.returncode == 0 and told.stdout.startswith(f"Usage: bpfctl {' '.join(name)}"), told.stdout


# what is typed; the verb that is meant, None: exit code 2
PREFIXES = [
    (["stat"], None), (["statu"], ["status"]), (["stats"], ["stats"]), (["hea"], ["heads"]), (["he"], None),
    (["ver"], ["version"]), (["hooks"], ["hooks"]), (["v"], ["version"]), (["s"], None), (["x"], None),
    (["hook", "x"], None), (["hook"], None),
]  # fmt: skip


def test_unambiguous_prefixes_are_taken_and_ambiguous_ones_refused(guarded):
    for typed, meant in PREFIXES:
        if meant is None:
            assert guarded.bpfctl.refused(*typed).exit_code == 2, typed
        else:
            assert guarded.bpfctl.json(*typed).keys() == guarded.bpfctl.json(*meant).keys(), typed


def test_verbs_that_change_something_take_prefixes_too(guarded):
    guarded.bpfctl("hook", "a", "cbpf:two", "--filter", "icmp", "--on-match", "drop", "--type", "inet")
    guarded.bpfctl("l", "-io", "cbpf:two", "inet")
    assert guarded.bpfctl.json("heads")["heads"][0]["in"] == ["cbpf:two", "cbpf:one"]
    guarded.bpfctl("u", "-i", "-o", "cbpf:two", "inet")
    guarded.bpfctl("hook", "de", "cbpf:two")
    guarded.bpfctl("det", "eth0")
    guarded.bpfctl("at", "eth0")
    assert_ends_well(guarded)


def test_a_daemon_that_is_not_there_is_exit_3_and_says_what_to_do(guarded):
    for words, _ in VERBS:
        done = guarded.bpfctl.run("--socket", "/run/pfild/nobody/control.sock", *words)
        assert done.returncode == 3 and done.stderr.count("\n") == 1, (words, done)
    guarded.kill9()
    refusal = guarded.bpfctl.refused("status")
    assert refusal.exit_code == 3 and guarded.name in refusal.line, refusal
    assert json.loads(guarded.bpfctl.run("--json", "status").stderr)["error"]["errno"] in ("ECONNREFUSED", "ENOENT")
