# SPDX-License-Identifier: BSD-2-Clause
"""No restart opens what was guarded: not with a mistake in the file, not without bpfctl, not with one that does not come to its
end. A reload that cannot be done fails, and changes nothing."""
import contextlib
import pathlib
import time

import pytest
from service_unit import ETC, FILE, GUARD, run

BPFCTL = pathlib.Path("/usr/sbin/bpfctl")
LONGEST_RESTART_S = 45  # 10 s of them for a compile that hangs; the machine is emulated
EDITED = GUARD.replace("udp dst port 9001", "udp dst port 9002")  # nothing is wrong with it, but it has to be compiled
BAD_FILES = {
    "not TOML": GUARD + "\n[[hook\n",
    "unknown key": "unknwon = 1\n" + GUARD,
    "bad filter": GUARD.replace("udp dst port 9001", "udp dst prot 9001"),
    "link to nothing": GUARD.replace('hook = "cbpf:blocked"', 'hook = "cbpf:other"'),
    "twice": GUARD + GUARD,
}


@contextlib.contextmanager
def bpfctl_is(text):
    """/usr/sbin/bpfctl is another program, or with None none at all."""
    away = BPFCTL.with_name("bpfctl.away")
    BPFCTL.rename(away)
    try:
        if text is not None:
            BPFCTL.write_text(text)
            BPFCTL.chmod(0o755)
        yield
    finally:
        away.rename(BPFCTL)


def assert_guarded_by_the_last_good_model(service, wire, said):
    status = service.status()
    assert status["started_from"] == "failsafe: running model", status
    assert "failsafe: running model" in service.bpfctl("status")
    assert "the files are not in force, the last good model is" in said, said
    assert service.guards("lan0")
    assert [wire.received(port) for port in (9001, 9002)] == [0, 20]


def restart(service):
    """What was said meanwhile. It is another daemon then."""
    before, begun = service.pid, time.monotonic()
    heard = len(service.journal())
    done = service.systemctl("restart", check=False)
    said = service.journal()[heard:]
    assert done.returncode == 0 and service.active(), done.stderr + said
    assert service.pid != before and time.monotonic() - begun < LONGEST_RESTART_S
    return said


def assert_that_it_can_be_mended(service, wire):
    """A restart with a good file puts that in force."""
    FILE.write_text(EDITED)
    restart(service)
    assert not service.status()["started_from"].startswith("failsafe")
    assert [wire.received(port) for port in (9001, 9002)] == [20, 0]


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES)
def test_a_restart_with_a_bad_file(service, wire, bad):
    FILE.write_text(bad)
    said = restart(service)
    assert str(FILE) in said, said
    assert_guarded_by_the_last_good_model(service, wire, said)
    assert_that_it_can_be_mended(service, wire)


def test_a_restart_without_a_file(service, wire):
    FILE.rename(ETC / "away.toml")
    said = restart(service)
    (ETC / "away.toml").rename(FILE)
    assert str(FILE) in said, said
    assert_guarded_by_the_last_good_model(service, wire, said)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "#!/bin/sh\nexec sleep 1000\n",
        "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n",
        "#!/bin/sh\nkill -SEGV $$\n",
        "no program",
    ],
    ids=["missing", "hangs", "hangs and heeds no signal", "crashes", "is no program"],
)  # fmt: skip
def test_a_restart_with_an_edited_file_whose_compiler(service, wire, text):
    FILE.write_text(EDITED)
    with bpfctl_is(text):
        said = restart(service)
    assert "bpfctl" in said or "start-pre" in said, said
    assert_guarded_by_the_last_good_model(service, wire, said)
    assert run("pgrep", "-x", "bpfctl", check=False).stdout == ""
    assert_that_it_can_be_mended(service, wire)


def test_a_restart_without_bpfctl_of_a_file_that_has_not_changed(service, wire):
    with bpfctl_is(None):
        restart(service)
    assert service.status()["started_from"] == "running model"
    assert [wire.received(port) for port in (9001, 9002)] == [0, 20]


@pytest.mark.parametrize("bad", BAD_FILES.values(), ids=BAD_FILES)
def test_a_reload_with_a_bad_file_fails_and_changes_nothing(service, wire, bad):
    before = service.pid
    FILE.write_text(bad)
    done = service.systemctl("reload", check=False)
    assert done.returncode != 0
    assert (service.pid, service.active()) == (before, True)
    assert [wire.received(port) for port in (9001, 9002)] == [0, 20]
    FILE.write_text(EDITED)
    service.systemctl("reload")
    assert [wire.received(port) for port in (9001, 9002)] == [20, 0]
