# SPDX-License-Identifier: BSD-2-Clause
"""What the daemon really answers is what the descriptions of the control protocol say: each verb against its JSON Schema."""
import json

import jsonschema

from harness.control import Control
from harness.device import SET_INTERFACE, Device
from harness.judges import assert_ends_well
from harness.ping import ping
from harness.programs import schema_folder

HOOK = {"name": "cbpf:a", "type": "inet", "on_match": "drop", "filter": "tcp dst port 23", "program": [[6, 0, 0, 0]], "dlt": 12}
EXPIRING = [[48, 0, 0, 8], [21, 0, 1, 1], [6, 0, 0, 1], [6, 0, 0, 0]]  # time to live 1
LINK = {"hook": "cbpf:a", "head": "inet", "directions": ["in", "out"]}

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
    ("stats", {}),
    ("flows", {}),
    ("flows", {"from": 1, "most": 256}),
    ("peers", {}),
    ("unlink", LINK),
    ("hook-delete", {"name": "cbpf:a"}),
    ("flows-flush", {}),
    ("detach", {"interface": "eth0"}),
]


def schema(name):
    found = json.loads((schema_folder() / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def test_every_verb_answers_what_its_schema_says(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    with Control(daemon.name) as control, Device(daemon) as device:
        for number, (verb, arguments) in enumerate(ASKED):
            schema(f"{verb}.arguments").validate(arguments)
            if verb == "status":  # so that flows and counters are there to be shown
                device.ask(SET_INTERFACE, b"eth0")
                assert ping(host_lab.cli, "192.0.2.2", count=20, interval_ms=10).lost == 0
            answer = control.call(verb, arguments, number=number)
            assert answer["ok"] and (answer["protocol"], answer["id"]) == (2, number), answer
            schema(f"{verb}.result").validate(answer["result"])
    assert {verb for verb, _ in ASKED} == {path.name.split(".")[0] for path in schema_folder().glob("*.result.json")}
    assert_ends_well(daemon)


def test_errors_are_what_their_schema_says(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    with Control(daemon.name) as control:
        for verb, arguments in [("explode", {}), ("attach", {}), ("detach", {"interface": "eth0"}), ("status", {"a": 1})]:
            answer = control.call(verb, arguments)
            assert not answer["ok"] and answer["protocol"] == 2
            schema("error").validate(answer["error"])
            assert answer["error"]["errno"] in ("ENOSYS", "EINVAL", "ENODEV")
    assert_ends_well(daemon)
