# SPDX-License-Identifier: BSD-2-Clause
"""The supervisor hears that the daemon lives while both threads do that packets and requests depend on, and no longer."""
import pathlib

import pytest

from harness.judges import assert_ends_well
from harness.supervisor import Supervisor, thread_of
from harness.system_calls import SystemCalls


@pytest.mark.parametrize("thread", ["pfild", "pfild-engine"])
def test_a_thread_that_hangs_stops_the_beats_of_the_watchdog(host_lab, start_pfild, tmp_path, thread):
    with Supervisor(tmp_path) as supervisor:
        daemon = start_pfild(host_lab.fw, started_by=supervisor.started_by)
        daemon.bpfctl("attach", "eth0")
        assert supervisor.hears_beat() and supervisor.hears_beat()
        hung = SystemCalls(thread_of(daemon.pid, thread))
        assert supervisor.hears_nothing()
        hung.let_go()
        assert supervisor.hears_beat() and supervisor.hears_beat(), "it goes on"
        assert_ends_well(daemon, "eth0")


def test_the_unit_has_a_watchdog_that_also_ends_a_stopped_process():
    unit = (pathlib.Path(__file__).parents[2] / "packaging" / "pfild@.service.in").read_text()
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    assert int(settings["WatchdogSec"]) <= 60 and settings["WatchdogSignal"] == "SIGKILL"
    assert settings["Restart"] == "on-failure"
