# SPDX-License-Identifier: BSD-2-Clause
"""Packets keep their order on the way through the engine, wherever the kernel would like its thread to run."""
import sys

import pytest

from harness.flow import UdpFlow
from harness.judges import assert_ends_well, wait_until
from harness.rules import counted, guard

# Takes one processor after the other from everybody else, each for some milliseconds: whoever may, goes to another one
# meanwhile, and what waits in the backlog of the one taken waits on.
CHASER = """
import os, sys, time
turns_s = float(sys.argv[1])
processors = sorted(os.sched_getaffinity(0))
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
print("chasing", flush=True)
while True:
    for processor in processors:
        os.sched_setaffinity(0, {processor})
        until = time.monotonic() + turns_s
        while time.monotonic() < until:
            pass
"""
PER_PACKET = "len < 2000"  # never the flow's alone: every packet goes up


@pytest.mark.parametrize("towards", ["in", "out"])
def test_packets_keep_their_order_while_the_engine_is_chased_from_one_processor_to_the_other(host_lab, start_pfild, towards):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:all", PER_PACKET, on_match="count")
    sender, receiver = (host_lab.cli, host_lab.fw) if towards == "in" else (host_lab.fw, host_lab.cli)
    chaser = host_lab.fw.popen(sys.executable, "-c", CHASER, 0.003)
    chaser.wait_for_output("chasing")
    flow = UdpFlow(sender, receiver, receiver.eth0.ipv4, rate_pps=10_000, count=500_000, processor=0)
    assert wait_until(lambda: counted(daemon, "cbpf:all")["seen"] > 50_000, timeout_s=90, step_s=0.2)
    result = flow.finish(early=True)
    chaser.close()
    print(result)
    assert (result.out_of_order, result.duplicated) == (0, 0), result
    assert_ends_well(daemon, "eth0")
