# SPDX-License-Identifier: BSD-2-Clause
"""Both processors flooded with first packets of flows that a rule forbids: none is delivered, and the engine does not fall silent
and back again. PFILD_FLOOD_SECONDS is how long; scripts/prove flooded floods for 60 s."""
import os

import pytest

from harness.datagrams import Listener
from harness.judges import assert_ends_well, wait_until
from harness.ping import ping
from harness.programs import program
from harness.rules import guard, lane

SECONDS = float(os.environ.get("PFILD_FLOOD_SECONDS", "5"))
FLOWS = 1 << 20
PORT = 9


def flood(host, seconds, rate=0):
    """From two processors, if there are as many; rate 0: as fast as they can."""
    processors = sorted(os.sched_getaffinity(0))
    started = [
        host.popen(program("generate"), "eth0", "--seconds", seconds, "--flows", FLOWS, "--rate", rate, "--cpu", one,
                   "--source", f"10.{number}.0.1")  # fmt: skip
        for number, one in enumerate((processors[0], processors[-1]))
    ]
    for process in started:
        assert process.wait(seconds + 60) == 0, process.stderr
        process.close()


@pytest.mark.parametrize("mode", ["tc", "xdp"])
def test_forbidden_packets_in_a_flood_are_never_delivered_and_modes_do_not_flap(host_lab, start_pfild, mode):
    fw = host_lab.fw
    fw.run("ethtool", "-K", "eth0", "gro", "on")  # it polls: that is when redirected packets reach a veth
    daemon = start_pfild(fw, config=f'mode = "{mode}"\n')
    daemon.bpfctl("attach", "eth0", "--unknown", "pass")
    guard(daemon, "cbpf:forbidden", f"udp dst port {PORT}")
    assert ping(host_lab.cli, fw.eth0.ipv4).lost == 0
    with Listener(fw, PORT) as listener:
        flood(host_lab.cli, SECONDS)
        counted, engine = lane(daemon, "in"), daemon.bpfctl.json("stats")["engine"]
        assert not listener.heard()
        assert counted["engine_dropped"] + counted["dropped_silent"] > 1000, "it was a flood"
        assert counted["passed_unattended"] == counted["passed_silent"] == 0
        print(f"mode {mode}: {counted['diverted']} packets in {SECONDS:.0f} s, longest gap of the engine "
              f"{engine['longest_gap_us'] / 1000:.1f} ms, silent {engine['silences']} times")  # fmt: skip
        assert 2 * engine["silences"] <= SECONDS + 2, "at most a change a second"
        assert wait_until(lambda: ping(host_lab.cli, fw.eth0.ipv4, count=2).lost == 0), "who is allowed comes in again"
        daemon.bpfctl("unlink", "-io", "cbpf:forbidden", "inet")
        flood(host_lab.cli, 0.5, rate=1000)
        assert wait_until(listener.heard), "the twin: without the rule they are"
    assert_ends_well(daemon, "eth0")
