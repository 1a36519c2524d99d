# SPDX-License-Identifier: BSD-2-Clause
"""What the daemon really answers is what the descriptions of the control protocol say: each verb against its JSON Schema."""
import json
import pathlib
import subprocess

import jsonschema
import pytest

from harness.control import Control, socket_path
from harness.device import SET_INTERFACE, Device
from harness.judges import assert_ends_well
from harness.ping import ping
from harness.programs import program, schema_folder

HOOK = {"name": "cbpf:a", "type": "inet", "on_match": "drop", "filter": "tcp dst port 23", "program": [[6, 0, 0, 0]], "dlt": 12}
EXPIRING = [[48, 0, 0, 8], [21, 0, 1, 1], [6, 0, 0, 1], [6, 0, 0, 0]]  # time to live 1
LINK = {"hook": "cbpf:a", "head": "inet", "directions": ["in", "out"]}

EMPTY = {"settings": {}, "interfaces": [], "hooks": [], "links": []}
# In an order in which all succeed: verb, arguments
ASKED = [
    ("version", {}),
    ("attach", {"interface": "eth0", "unknown": "drop", "mode": "tc"}),
    ("attach", {"interface": "lo", "mode": "tap"}),
    ("hook-add", HOOK),
    ("hook-add", {**HOOK, "name": "cbpf:b", "filter": None, "run": "kernel", "program": EXPIRING}),
    ("link", {**LINK, "append": True}),
    ("link", {**LINK, "hook": "cbpf:b"}),
    ("status", {}),
    ("heads", {}),
    ("heads", {"most": 1}),
    ("hooks", {"most": None}),
    ("hook-show", {"name": "cbpf:b"}),
    ("hook-disable", {"name": "cbpf:b"}),
    ("hook-replace", {**HOOK, "name": "cbpf:b", "on_match": "count"}),
    ("hook-enable", {"name": "cbpf:b"}),
    ("stats", {}),
    ("stats", {"interface": "eth0"}),
    ("flows", {}),
    ("flows", {"from": 1, "most": 256}),
    ("peers", {}),
    ("sysctl", {}),
    ("sysctl-set", {"maxbufsize": 65536, "bufsize": 4096}),
    ("panic", {"on": True}),
    ("status", {}),
    ("panic", {"on": False}),
    ("unlink", LINK),
    ("hook-delete", {"name": "cbpf:a"}),
    ("flows-flush", {}),
    ("reload", {}),
    ("batch", {"steps": [{"hook-add": HOOK}, {"link": LINK}, {"attach": {"interface": "eth1"}}, {"detach": {"interface": "eth1"}}]}),
    ("config-show", {}),
    ("config-apply", {"model": EMPTY, "whole": True, "confirm_s": 60}),
    ("config-rollback", {}),
    ("config-apply", {"model": EMPTY, "confirm_s": 60}),
    ("config-confirm", {}),
    ("detach", {"interface": "eth0"}),
    ("monitor", {}),
]


def schema(name):
    found = json.loads((schema_folder() / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def test_every_verb_answers_what_its_schema_says(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config="fragments = \"drop\"\n")
    with Control(daemon.name) as control, Control(daemon.name) as other, Device(daemon) as device:
        for number, (verb, arguments) in enumerate(ASKED):
            schema(f"{verb}.arguments").validate(arguments)
            if verb == "status" and ("panic", {"on": True}) not in ASKED[:number]:  # so that flows and counters are there to be shown
                device.ask(SET_INTERFACE, b"eth0")
                assert ping(host_lab.cli, "192.0.2.2", count=20, interval_ms=10).lost == 0
            answer = (other if verb == "config-confirm" else control).call(verb, arguments, number=number)
            assert answer["ok"] and (answer["protocol"], answer["id"]) == (2, number), answer
            schema(f"{verb}.result").validate(answer["result"])
    assert {verb for verb, _ in ASKED} == {path.name.split(".")[0] for path in schema_folder().glob("*.result.json")}
    assert_ends_well(daemon)


def test_a_folder_of_schemas_has_those_of_the_messages_and_no_others(tmp_path):
    for name in ("removed-verb.result.json", "notes.txt"):
        (tmp_path / name).write_text("{}\n")
    subprocess.run([program("messages"), "--schemas", tmp_path], check=True)
    made = {path.name for path in tmp_path.iterdir()}
    assert made - {path.name for path in schema_folder().iterdir()} == {"notes.txt"}, "what is no schema is somebody else's"
    assert "status.result.json" in made


def test_errors_are_what_their_schema_says(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    with Control(daemon.name) as control:
        for verb, arguments in [("explode", {}), ("attach", {}), ("detach", {"interface": "eth0"}), ("status", {"a": 1})]:
            answer = control.call(verb, arguments)
            assert not answer["ok"] and answer["protocol"] == 2
            schema("error").validate(answer["error"])
            assert answer["error"]["errno"] in ("ENOSYS", "EINVAL", "ENODEV")
    assert_ends_well(daemon)


LOOKING_GROUP = 64321
STRANGER = 65534  # uid and gid of nobody
ASK = """
import json, socket, sys
control = socket.socket(socket.AF_UNIX)
try:
    control.connect(sys.argv[1])
except PermissionError:
    sys.exit("cannot connect")
lines = control.makefile()
for verb in sys.argv[2:]:
    control.sendall(json.dumps({"protocol": 2, "id": 1, "verb": verb}).encode() + bytes([10]))
    answer = json.loads(lines.readline())
    print(verb, "ok" if answer["ok"] else answer["error"]["errno"])
"""

FIVE = """
import socket, sys
controls = [socket.socket(socket.AF_UNIX) for _ in range(5)]
for control in controls:
    control.settimeout(20)
    control.connect(sys.argv[1])
print(controls[-1].makefile().readline())
"""


def asked_by_stranger(name, verbs, group, groups=()):
    """What was said to one who is not root: a dictionary by verb, and whether he could connect."""
    done = subprocess.run(["/usr/bin/python3", "-c", ASK, socket_path(name), *verbs], user=STRANGER, group=group,
                          extra_groups=list(groups), capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 0 or done.stderr == "cannot connect\n", done.stderr
    return dict(line.split() for line in done.stdout.splitlines()), done.returncode == 0


@pytest.mark.parametrize(("group", "groups"), [(LOOKING_GROUP, ()), (STRANGER, (LOOKING_GROUP,))], ids=["its own", "another"])
def test_members_of_the_group_look_and_change_nothing(host_lab, start_pfild, tmp_path, group, groups):
    system = tmp_path / "group"  # seen by the daemon alone
    system.write_text(pathlib.Path("/etc/group").read_text().rstrip("\n") + f"\npfild:x:{LOOKING_GROUP}:\n")
    its_groups = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/group && exec "$@"', system)
    daemon = start_pfild(host_lab.fw, started_by=its_groups)
    verbs = sorted({verb for verb, _ in ASKED})
    answers, _ = asked_by_stranger(daemon.name, verbs, group, groups)
    looks = {"config-show", "flows", "heads", "hooks", "monitor", "peers", "stats", "status", "sysctl", "version"}
    assert {verb for verb, answer in answers.items() if answer == "ok"} == looks, answers
    # Its arguments are missing, but it could be asked; of the others nothing but the right is looked at.
    assert answers["hook-show"] == "EINVAL", answers
    assert {answers[verb] for verb in verbs if verb not in looks | {"hook-show"}} == {"EACCES"}, answers
    assert asked_by_stranger(daemon.name, verbs, STRANGER) == ({}, False)
    told = subprocess.run(["/usr/bin/python3", "-c", FIVE, socket_path(daemon.name)], user=STRANGER, group=group,
                          extra_groups=list(groups), capture_output=True, text=True, timeout=60)  # fmt: skip
    assert f"user {STRANGER} has 4 connections already" in told.stdout, told
    assert_ends_well(daemon)
