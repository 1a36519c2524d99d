# SPDX-License-Identifier: BSD-2-Clause
"""`config save`: what verbs have made becomes the configuration file, and nothing else changes by it."""
import json
import pathlib

import pytest

from harness.judges import assert_ends_well
from harness.ping import ping, unanswered

GUARD = '[[interface]]\nname = "eth0"\nunknown = "drop"\n'
HOOK = '[[hook]]\nname = "file:ping"\ntype = "inet"\non_match = "drop"\nfilter = "icmp"\n'
BYTECODE = "1\n6 0 0 262144\n"


def made_by_verbs(daemon, tmp_path):
    program = tmp_path / "all.bpf"
    program.write_text(BYTECODE)
    daemon.bpfctl("hook", "add", "verb:telnet", "--filter", "tcp dst port 23\n or udp port 69", "--on-match", "drop", "--type", "inet")
    daemon.bpfctl("hook", "add", "verb:all", "--bytecode", program, "--on-match", "count", "--type", "inet6")
    daemon.bpfctl("link", "-i", "verb:telnet", "inet")
    daemon.bpfctl("link", "-o", "verb:all", "inet6")
    daemon.bpfctl("link", "-i", "file:ping", "inet")
    daemon.bpfctl("hook", "disable", "verb:telnet")


def wanted(daemon):
    """The model in force, whoever wants it."""
    model = json.loads(daemon.bpfctl("config", "show"))
    for item in [*model["interfaces"], *model["hooks"], *model["links"]]:
        item.pop("owner")
    return model


def owners(daemon):
    model = json.loads(daemon.bpfctl("config", "show"))
    return {item["owner"] for kind in ("interfaces", "hooks", "links") for item in model[kind]}


def path_of(daemon):
    return pathlib.Path(daemon.bpfctl.json("config", "show")["file"])


def test_what_is_saved_is_the_files_and_a_start_from_them_alone_is_the_same(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw, config=GUARD + HOOK)
    made_by_verbs(daemon, tmp_path)
    before, file = wanted(daemon), path_of(daemon)
    former = file.read_text()
    said = daemon.bpfctl("config", "save")
    assert said == f"{file}: 1 interface, 3 hooks, 3 links; what was there is {file}.old\n"
    assert pathlib.Path(f"{file}.old").read_text() == former
    assert wanted(daemon) == before and owners(daemon) == {"file", "bpfctl"}, "only the file is another one"
    assert unanswered(host_lab.cli, "192.0.2.2", count=2)
    daemon.bpfctl("config", "compile", "--config", file)
    daemon.bpfctl("reload")
    assert wanted(daemon) == before and owners(daemon) == {"file"}
    saved = file.read_text()
    assert daemon.stop() == 0
    other = start_pfild(host_lab.fw, config=GUARD)
    (path_of(other).parent / f"{file.stem}.programs").mkdir(exist_ok=True)
    for program in file.parent.glob(f"{file.stem}.programs/*"):
        (path_of(other).parent / f"{file.stem}.programs" / program.name).write_text(program.read_text())
    path_of(other).write_text(saved)
    other.bpfctl("config", "compile", "--config", path_of(other))
    other.bpfctl("reload")
    assert wanted(other)["hooks"] == before["hooks"] and wanted(other)["links"] == before["links"]
    assert unanswered(host_lab.cli, "192.0.2.2", count=2)
    assert_ends_well(other)


def test_to_standard_output_or_another_file_the_files_of_the_instance_stay(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw, config=GUARD + HOOK)
    file = path_of(daemon)
    former = file.read_text()
    printed = daemon.bpfctl("config", "save", "-")
    assert "[[hook]]" in printed and "'file:ping'" in printed
    elsewhere = tmp_path / "kept.toml"
    answer = daemon.bpfctl.json("config", "save", elsewhere)
    assert answer["former"] is None and answer["hooks"] == 1 and elsewhere.read_text() == printed
    assert daemon.bpfctl("config", "diff", elsewhere) == "no difference\n"
    assert daemon.bpfctl("config", "check", elsewhere).startswith(f"{elsewhere}: in order")
    assert file.read_text() == former and not pathlib.Path(f"{file}.old").exists()
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    assert_ends_well(daemon)


def drop_in(daemon, _):
    folder = path_of(daemon).with_suffix(".d")
    folder.mkdir(exist_ok=True)
    (folder / "10-mine.toml").write_text("")
    return [], "10-mine.toml belongs to it and would say the same again"


def on_trial(daemon, _):
    applied = daemon.bpfctl.run("config", "apply", "-", "--confirm", "60", stdin=GUARD)
    assert applied.returncode == 0, applied
    return [], "waits for its confirmation"


def without_expression(daemon, tmp_path):
    made_by_verbs(daemon, tmp_path)
    return ["-"], "no expression"


def no_folder(_, tmp_path):
    return [tmp_path / "none" / "x.toml"], "no such file or directory"


@pytest.mark.parametrize("why", [drop_in, on_trial, without_expression, no_folder])
def test_what_cannot_be_saved_is_refused_and_no_file_is_touched(host_lab, start_pfild, tmp_path, why):
    daemon = start_pfild(host_lab.fw, config=GUARD + HOOK)
    file = path_of(daemon)
    former = file.read_text()
    words, reason = why(daemon, tmp_path)
    said = daemon.bpfctl.refused("config", "save", *words)
    assert said.exit_code == 1 and reason in said.line.lower(), said
    assert file.read_text() == former and not pathlib.Path(f"{file}.old").exists()
    assert_ends_well(daemon)
