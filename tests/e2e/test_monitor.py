# SPDX-License-Identifier: BSD-2-Clause
"""`monitor`: who changes what, told as it happens, to readers who may be slow, many, or without the right to go on."""
import json
import os
import select
import subprocess

from harness.control import Control, socket_path
from harness.holdings import holdings
from harness.judges import assert_ends_well, wait_until
from harness.programs import program

STRANGER = 65534


def change_of(answer):
    assert answer["ok"] and answer["more"] is True and answer["id"] == 1, answer
    return answer["result"]


def test_each_change_is_told_with_who_made_it(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config="")
    with Control(daemon.name) as follower, Control(daemon.name) as maker:
        begun = change_of(follower.call("monitor"))
        assert (begun["number"], begun["verb"]) == (0, "")
        for number, (verb, arguments, did) in enumerate([
            ("attach", {"interface": "eth0"}, "attach eth0"),
            ("hook-add", {"name": "cbpf:a", "type": "inet", "on_match": "count", "program": [[6, 0, 0, 0]], "dlt": 12}, "hook-add cbpf:a"),
            ("link", {"hook": "cbpf:a", "head": "inet", "directions": ["in"]}, "link cbpf:a inet"),
            ("flows-flush", {}, "flows-flush"),
        ], 1):  # fmt: skip
            assert maker.call(verb, arguments)["ok"]
            change = change_of(follower.receive())
            told = {key: change[key] for key in ("number", "missed", "verb", "did", "uid", "pid", "unrecorded")}
            assert told == {"number": number, "missed": 0, "verb": verb, "did": did, "uid": 0, "pid": os.getpid(), "unrecorded": None}
        for verb, arguments in (("status", {}), ("detach", {"interface": "nothing"}), ("version", {})):
            maker.call(verb, arguments)  # what looks or is refused changes nothing
        assert maker.call("detach", {"interface": "eth0"})["ok"]
        assert change_of(follower.receive())["did"] == "detach eth0"
        daemon.reload()  # by a signal: of whom, the kernel does not say here
        change = change_of(follower.receive())
        assert (change["did"], change["uid"], change["pid"]) == ("reload", 0, daemon.pid)
        last = follower.call("version", number=9)
        assert last["id"] == 9 and "more" not in last
    assert_ends_well(daemon)


def test_a_reader_who_does_not_read_costs_nothing_and_is_told_what_he_missed(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config="flows = 64\n")  # that are forgotten at once
    changes = 2000
    with Control(daemon.name) as slow, Control(daemon.name) as maker:
        assert change_of(slow.call("monitor"))["number"] == 0
        for _ in range(changes // 2):
            assert maker.call("flows-flush")["ok"]
        before = holdings(daemon).resident_kib
        for _ in range(changes // 2):
            assert maker.call("flows-flush")["ok"]
        assert holdings(daemon).resident_kib <= before + 256
        seen, missed = 0, 0
        while seen + missed < changes:
            change = change_of(slow.receive())
            seen, missed = seen + 1, missed + change["missed"]
            assert change["number"] == seen + missed
        assert missed > 0
    assert_ends_well(daemon)


def test_bpfctl_shows_changes_until_the_daemon_ends(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    watching = [subprocess.Popen([program("bpfctl"), "-N", daemon.name, *options, "monitor"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True) for options in ([], ["--json"])]  # fmt: skip
    people, machine = watching
    assert json.loads(machine.stdout.readline())["verb"] == ""
    with Control(daemon.name) as control:  # nobody says when the other one begins to follow
        assert wait_until(lambda: control.call("flows-flush")["ok"] and select.select([people.stdout], [], [], 0)[0], 10)
    line = people.stdout.readline()
    assert "flows-flush: by user 0, process " in line, line
    assert json.loads(machine.stdout.readline())["did"] == "flows-flush"
    assert_ends_well(daemon)
    for one in watching:
        said = one.communicate(timeout=20)[1]
        assert one.returncode == 3 and "it closed" in said, said


ASK_OFTEN = """
import json, socket, sys, time
line = b'{"protocol": 2, "id": 1, "verb": "version"}' + bytes([10])
control = socket.socket(socket.AF_UNIX)
control.settimeout(20)
control.connect(sys.argv[1])
answers = control.makefile()
refused, started = [], time.monotonic()
for _ in range(int(sys.argv[2])):
    control.sendall(line)
    answer = json.loads(answers.readline())
    if not answer["ok"]:
        refused.append([answer["error"]["errno"], answer["error"]["why"]])
print(json.dumps({"refused": refused, "seconds": time.monotonic() - started}))
"""
FOLLOW = """
import json, socket, sys
controls = [socket.socket(socket.AF_UNIX) for _ in range(3)]
for control in controls:
    control.settimeout(20)
    control.connect(sys.argv[1])
    control.sendall(b'{"protocol": 2, "id": 1, "verb": "monitor"}' + bytes([10]))
    answer = json.loads(control.makefile().readline())
    print("ok" if answer["ok"] else answer["error"]["errno"] + " " + answer["error"]["why"], flush=True)
sys.stdin.readline()
print(controls[0].makefile().readline())
"""
PEER = f'[[peer]]\nuser = {STRANGER}\nverbs = ["version", "monitor"]\n'


def stranger(code, daemon, *words):
    return subprocess.Popen(["/usr/bin/python3", "-c", code, socket_path(daemon.name), *words], user=STRANGER, group=STRANGER,
                            extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip


def test_a_user_who_asks_too_often_is_refused_by_name_and_rests(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=PEER)
    said = json.loads(stranger(ASK_OFTEN, daemon, "3500").communicate(timeout=60)[0])
    assert said["refused"], "he was slower than the limit"
    assert all(one == ["EBUSY", f"user {STRANGER} asks more than 1000 times a second"] for one in said["refused"]), said
    assert len(said["refused"]) <= said["seconds"] + 1, said  # once a second: then he rests
    assert said["seconds"] > 2.9, said
    assert daemon.current_log().count("asks more than 1000 times a second") == 1
    with Control(daemon.name) as control:  # root asks as often as it likes
        assert all(control.call("version")["ok"] for _ in range(3000))
    assert_ends_well(daemon)


def test_a_user_has_two_answers_that_go_on_and_loses_them_with_the_right(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=PEER)
    follower = stranger(FOLLOW, daemon)
    assert [follower.stdout.readline().strip() for _ in range(3)] == [
        "ok", "ok", f"EBUSY user {STRANGER} has 2 answers that go on already",
    ]  # fmt: skip
    daemon.configure(PEER.replace(', "monitor"', ""))
    daemon.reload()
    assert wait_until(lambda: daemon.bpfctl.json("status")["granted"][0]["verbs"] == ["version"], 10)
    last = json.loads(follower.communicate("\n", timeout=30)[0])
    assert not last["ok"] and last["error"]["errno"] == "EACCES" and last["error"]["object"] == "", last
    assert_ends_well(daemon)
