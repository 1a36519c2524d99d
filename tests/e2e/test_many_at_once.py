# SPDX-License-Identifier: BSD-2-Clause
"""Many interfaces: the daemon waits for the kernel once, not once for each of them."""
import re
import time

import pytest

from harness.judges import assert_ends_well, left_behind, wait_until
from harness.many_links import add_links
from harness.ping import ping
from harness.rules import guard

INTERFACES = 16


def start_with_all(start_pfild, host, links):
    daemon = start_pfild(host, config="".join(f'[[interface]]\nname = "{link.name}"\n' for link in links))
    assert wait_until(lambda: all(one["state"] == "attached" for one in daemon.bpfctl.json("status")["interfaces"]))
    return daemon


def calls_of(daemon, log, what, deed):
    """What the control thread asks the kernel for meanwhile, a line a call."""
    tracer = daemon.host.popen("strace", "-p", daemon.pid, "-e", f"trace={what}", "-e", "signal=none", "-T", "-o", log)
    assert wait_until(lambda: "attached" in tracer.stderr)
    deed()
    tracer.stop()
    return log.read_text().splitlines()


def seconds_in(lines, call):
    return sum(float(line.rsplit("<", 1)[1].rstrip(">")) for line in lines if line.startswith(call) and line.endswith(">"))


def stopped(daemon):
    began = time.monotonic()
    assert daemon.stop() == 0
    print(f"a stop with {INTERFACES} interfaces: {time.monotonic() - began:.2f} s, traced")


def test_a_stop_with_16_interfaces_waits_for_packets_once_and_removes_all_pairs_at_once(host_lab, start_pfild, tmp_path):
    links = add_links(host_lab, INTERFACES)
    daemon = start_with_all(start_pfild, host_lab.fw, links)
    guard(daemon, "cbpf:every-frame", "greater 0", kind="ethernet", on_match="count")
    assert ping(host_lab.cli, links[0].fw, count=2).lost == 0
    lines = calls_of(daemon, tmp_path / "calls", "clock_nanosleep,sendmsg", lambda: stopped(daemon))
    asleep = [re.search(r"tv_sec=(\d+), tv_nsec=(\d+)", line) for line in lines if line.startswith("clock_nanosleep")]
    assert sum(int(one[1]) + int(one[2]) / 1e9 for one in asleep) <= 0.15, lines
    assert len([line for line in lines if "RTM_DELLINK" in line]) == 1, lines
    assert left_behind(daemon, *(link.name for link in links)) == []


def test_a_stop_with_16_interfaces_waits_mostly_for_heads_which_the_kernel_takes_one_by_one(host_lab, start_pfild, tmp_path):
    """By TCX each of 32 heads waits for all processors; sockets and pairs wait together, and so for less than the heads."""
    daemon = start_with_all(start_pfild, host_lab.fw, add_links(host_lab, INTERFACES))
    lines = calls_of(daemon, tmp_path / "calls", "bpf,close,sendmsg", lambda: stopped(daemon))
    heads = [line for line in lines if "BPF_PROG_DETACH" in line]
    assert len(heads) == 2 * INTERFACES, "by TCX"
    others = {call: seconds_in(lines, call) for call in ("close", "sendmsg")}
    print(f"heads {seconds_in(heads, 'bpf'):.2f} s, others {others}")
    assert sum(others.values()) < seconds_in(heads, "bpf"), others


def test_a_reload_that_drops_interfaces_removes_their_pairs_at_once(host_lab, start_pfild, tmp_path):
    links = add_links(host_lab, 4)
    daemon = start_with_all(start_pfild, host_lab.fw, links)

    def drop_three():
        daemon.configure(f'[[interface]]\nname = "{links[0].name}"\n')
        daemon.reload()
        assert wait_until(lambda: len(daemon.bpfctl.json("status")["interfaces"]) == 1)

    lines = calls_of(daemon, tmp_path / "calls", "sendmsg", drop_three)
    assert len([line for line in lines if "RTM_DELLINK" in line]) == 1, lines
    assert ping(host_lab.cli, links[0].fw, count=2).lost == 0
    assert_ends_well(daemon, *(link.name for link in links))


LONG = " or ".join(f"(ip[8] = {number} and ip[6:2] & 0x1fff = 0)" for number in range(1, 61))


def programs_loaded(daemon, log, deed):
    """How many the control thread has given to the kernel's verifier."""
    return len([line for line in calls_of(daemon, log, "bpf", deed) if line.startswith("bpf(BPF_PROG_LOAD")])


@pytest.mark.parametrize("directions", ["-i", "-io"])
def test_a_link_at_all_interfaces_has_its_chain_verified_once(host_lab, start_pfild, tmp_path, directions):
    daemon = start_with_all(start_pfild, host_lab.fw, add_links(host_lab, 8))
    for number in range(8):
        name = f"cbpf:long{number}"
        daemon.bpfctl("hook", "add", name, "--type", "inet", "--on-match", "count", "--filter", f"ip[1] = {number} or {LONG}", "--run", "kernel")
        loaded = programs_loaded(daemon, tmp_path / "calls", lambda: daemon.bpfctl("link", directions, name, "inet"))  # noqa: B023
        assert 1 <= loaded <= len(directions) - 1, number
    runs = daemon.bpfctl.json("hook", "show", "cbpf:long7")["runs"]
    assert {run["where"] for run in runs} == {"kernel"} and len(runs) == 8 * (len(directions) - 1), runs
    assert_ends_well(daemon, *(f"link{number}" for number in range(8)))
