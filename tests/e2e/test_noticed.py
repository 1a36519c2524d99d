# SPDX-License-Identifier: BSD-2-Clause
"""Programs of others in front of the heads are noticed within a second, and told once."""
import pytest

from harness.judges import assert_ends_well, wait_until
from harness.occupants import in_front, log_lines, put_in_front, start_guarding, take_away, tcx_programs

TC_ACT_UNSPEC = -1
BOTH_WAYS = pytest.mark.parametrize("config", ["", 'tc_attach = "clsact"\n'], ids=["tcx", "clsact"])


@BOTH_WAYS
@pytest.mark.parametrize("side", ["ingress", "egress"])
def test_a_program_by_tcx_in_front_is_noticed_within_a_second_said_once_and_shown(host_lab, start_pfild, config, side):
    daemon = start_guarding(start_pfild, host_lab.fw, config)
    assert in_front(daemon) == []
    put_in_front(host_lab.fw, "eth0", side, "intruder", TC_ACT_UNSPEC)
    assert wait_until(lambda: log_lines(daemon, "in front of the heads"), timeout_s=1.5), daemon.current_log()
    number = next(one["id"] for one in tcx_programs(host_lab.fw) if one["name"] == "intruder")
    assert in_front(daemon) == [f"tcx {side}: intruder ({number})"]
    assert f"WARNING   a program is in front of the heads: tcx {side}: intruder ({number})" in daemon.bpfctl("status")
    uptime = daemon.bpfctl.json("status")["uptime_s"]
    assert wait_until(lambda: daemon.bpfctl.json("status")["uptime_s"] >= uptime + 3)
    assert len(log_lines(daemon, "in front of the heads")) == 1, "three looks later it has been said once"
    take_away(host_lab.fw, "eth0", "intruder")
    assert wait_until(lambda: in_front(daemon) == []) and wait_until(lambda: log_lines(daemon, "no program is in front"))
    assert_ends_well(daemon)
