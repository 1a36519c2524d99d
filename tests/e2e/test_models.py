# SPDX-License-Identifier: BSD-2-Clause
"""`config show`, `diff`, `check` and `apply`: the model in force as a text, and a text as the model in force.

PFILD_MODELS is how many models are drawn by chance; scripts/prove models draws 1,000."""
import json
import os
import random

import pytest

from harness.judges import assert_ends_well
from harness.ping import ping, unanswered
from harness.rules import guard

MODELS = int(os.environ.get("PFILD_MODELS", "12"))
GUARD = '[[interface]]\nname = "eth0"\nunknown = "drop"\n'
HOOK = '[[hook]]\nname = "file:ping"\ntype = "inet"\non_match = "drop"\nfilter = "icmp"\n'
LINK = '[[link]]\nhook = "file:ping"\nhead = "inet"\ndirections = ["in"]\n'
TYPES = ("inet", "inet6", "ethernet")
FAIL = ("pass", "drop", "closed")
OWNERS = ("file", "bpfctl", "zones", "applied")


def show(daemon):
    return daemon.bpfctl("config", "show")


def apply(daemon, text, *options):
    done = daemon.bpfctl.run("config", "apply", "-", *options, stdin=text)
    assert done.returncode == 0, done
    return done.stdout


def any_hook(draw, name):
    program = [[0x30, 0, 0, draw.randrange(20)]] * draw.randrange(3) + [[6, 0, 0, draw.choice((0, 0xFFFFFFFF))]]
    return {
        "name": name,
        "type": draw.choice(TYPES),
        "on_match": draw.choice(("drop", "pass", "count")),
        "filter": draw.choice((None, "udp port 53", 'tcp \n or "ä\\')),
        "program": program,
        "run": draw.choice(("auto", "engine")),
        "compiled": draw.choice(("optimised", "reduced", "unverified")),
        "owner": draw.choice(OWNERS),
    }


def any_model(draw, empty):
    """In order, with some of what can be in a model."""
    model = json.loads(empty)
    if draw.randrange(2):
        model["settings"] |= {"unknown": draw.choice(FAIL), "silent": draw.choice(FAIL), "buffers": draw.randrange(4096, 9000), "log_level": "debug"}
    if draw.randrange(2):
        names = [("eth0", OWNERS), ("later0", ("file", "zones", "applied"))][: 1 + draw.randrange(2)]
        model["interfaces"] = [
            {"name": name, "unknown": draw.choice(FAIL), "silent": draw.choice(FAIL), "mode": "tc", "position": "anywhere", "strict": draw.random() < 0.2, "owner": draw.choice(owners)}
            for name, owners in names
        ]
    model["hooks"] = [any_hook(draw, f"any:{letter}") for letter in "abcdef" if draw.randrange(2)]
    for head in sorted([*TYPES, *(one["name"] for one in model["interfaces"])]):
        fitting = [one["name"] for one in model["hooks"] if one["type"] == (head if head in TYPES else "ethernet")]
        draw.shuffle(fitting)
        for name in fitting[: draw.randrange(4)]:
            ways = draw.choice((["in"], ["out"], ["in", "out"]))
            owner = draw.choice(OWNERS)
            model["links"].append({"hook": name, "head": head, "directions": ways, "append": draw.random() < 0.3, "owner": owner})
    return json.dumps(model)


def test_any_model_that_is_shown_and_applied_to_an_empty_instance_is_shown_the_same(host_lab, start_pfild):
    daemon, draw = start_pfild(host_lab.fw), random.Random(11)
    empty, shown = show(daemon), set()
    for _ in range(MODELS):
        apply(daemon, any_model(draw, empty))
        first = show(daemon)
        shown.add(first)
        assert daemon.bpfctl.run("config", "diff", "-", stdin=first).stdout == "no difference\n"
        apply(daemon, empty)
        assert show(daemon) == empty
        apply(daemon, first)
        assert show(daemon) == first
    assert len(shown) > MODELS / 2, "they were different ones"
    assert_ends_well(daemon)


def test_what_files_and_verbs_want_is_shown_with_whose_it_is(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw, config=GUARD + HOOK + LINK)
    guard(daemon, "cbpf:telnet")
    model = json.loads(show(daemon))
    assert [(one["name"], one["owner"]) for one in model["hooks"]] == [("cbpf:telnet", "bpfctl"), ("file:ping", "file")]
    assert [(one["hook"], one["owner"]) for one in model["links"]] == [("file:ping", "file"), ("cbpf:telnet", "bpfctl")]
    assert [(one["name"], one["owner"]) for one in model["interfaces"]] == [("eth0", "file")]
    answer = daemon.bpfctl.json("config", "show")
    status = daemon.bpfctl.json("status")
    assert answer["model"] == model and (answer["digest"], answer["files"]) == (status["model"], status["files"])
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps(answer))
    assert daemon.bpfctl("config", "diff", kept) == daemon.bpfctl("config", "diff") == "no difference\n"
    assert_ends_well(daemon)


def test_diff_says_what_a_reload_or_an_apply_would_change_and_changes_nothing(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw, config=GUARD + HOOK + LINK)
    daemon.bpfctl("hook", "delete", "file:ping")
    before = show(daemon)
    assert daemon.bpfctl.json("config", "diff")["changes"] == ["hook file:ping: added", "links of inet: in none -> file:ping"]
    other = tmp_path / "other.toml"
    other.write_text("buffers = 8192\n" + GUARD.replace("drop", "pass"))
    assert daemon.bpfctl.json("config", "diff", other) == {
        "changes": ["settings: changed", "interface eth0: changed"],
        "needs_restart": ["buffers: 32768 stays in force, 8192 needs a restart"],
    }
    assert show(daemon) == before
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    assert_ends_well(daemon)


def test_a_file_that_is_applied_takes_the_place_of_the_files_until_a_reload_and_bpfctls_own_stays(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw, config=GUARD)
    files = (daemon._folder / "pfild.toml").read_text()
    guard(daemon, "cbpf:telnet")
    other = tmp_path / "other.toml"
    other.write_text(GUARD + HOOK + LINK)
    assert "hook file:ping: added" in daemon.bpfctl("config", "apply", other)
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    assert daemon.bpfctl("config", "diff", other) == "no difference\n"
    model = json.loads(show(daemon))
    assert {one["name"]: one["owner"] for one in model["hooks"]} == {"cbpf:telnet": "bpfctl", "file:ping": "applied"}
    assert (daemon._folder / "pfild.toml").read_text() == files, "an apply writes no file of the administrator"
    other.write_text(GUARD)
    daemon.bpfctl("config", "apply", other)
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    assert [one["name"] for one in json.loads(show(daemon))["hooks"]] == ["cbpf:telnet"]
    assert_ends_well(daemon)


BAD = {
    "no TOML": "[[[\n",
    "an unknown key": GUARD + "colour = 3\n",
    "a filter that means nothing": GUARD + HOOK.replace("icmp", "icmp icmp icmp"),
    "a link to no hook": GUARD + LINK,
    "a name of a host": GUARD + HOOK.replace("icmp", "host www.example.com"),
    "no JSON": '{"settings": ',
    "JSON of something else": '{"hooks": []}',
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_model_is_refused_by_check_diff_and_apply_and_nothing_changes(host_lab, start_pfild, tmp_path, what):
    daemon = start_pfild(host_lab.fw, config=GUARD)
    before = show(daemon)
    bad = tmp_path / "bad.toml"
    bad.write_text(BAD[what])
    for verb in ("check", "diff", "apply"):
        said = daemon.bpfctl.refused("config", verb, bad)
        assert said.exit_code == 1 and str(bad) in said.line, said
    assert json.loads(daemon.bpfctl.refused("--json", "config", "apply", bad).line)["error"]["errno"] == "EINVAL"
    assert show(daemon) == before
    assert_ends_well(daemon)


def test_a_model_that_the_daemon_cannot_have_changes_nothing(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw, config=GUARD)
    before = show(daemon)
    other = tmp_path / "other.toml"
    other.write_text(GUARD + HOOK + LINK + '[[interface]]\nname = "lo"\n')
    assert "lo" in daemon.bpfctl.refused("config", "apply", other).line
    assert show(daemon) == before
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    assert_ends_well(daemon)


def test_check_needs_no_daemon_and_counts_what_is_in_order(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw, config=GUARD)
    assert daemon.stop() == 0
    good = tmp_path / "good.toml"
    good.write_text(GUARD + HOOK + LINK)
    assert daemon.bpfctl("config", "check", good) == f"{good}: in order, 1 interface, 1 hook, 1 link\n"
    assert daemon.bpfctl.json("config", "check", good) == {"interfaces": 1, "hooks": 1, "links": 1}
    good.write_text("colour = 3\nbufers = 9\n")
    mistakes = daemon.bpfctl.refused("config", "check", good).line.splitlines()
    assert f"{good}:1:" in mistakes[0] and f"{good}:2:" in mistakes[1] and "2 mistakes" in mistakes[2], mistakes
    assert not daemon.left_behind()
