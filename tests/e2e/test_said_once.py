# SPDX-License-Identifier: BSD-2-Clause
"""What is said is true and ends: errors that repeat, packets in a file that was full, cells of tables, advice."""
import re
import resource
import struct

import pytest

from harness.datagrams import send
from harness.full_disk import fill
from harness.judges import assert_ends_well, wait_until
from harness.lab import CLI_ETH0
from harness.programs import program

WIDEST_LINE = 240
HOSTS = " or ".join(f"host 198.18.0.{number}" for number in range(250))


def test_a_repair_that_fails_each_second_is_said_once_and_counted_at_the_end(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    failed = lambda: daemon.current_log().count("repair failed")  # noqa: E731
    limit = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    try:
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (8, limit[1]))
        assert wait_until(failed, timeout_s=5), daemon.current_log()
        assert not wait_until(lambda: failed() > 1, timeout_s=4), daemon.current_log()
    finally:
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, limit)
    assert wait_until(lambda: re.search(r"eth0: repaired, after it had failed (\d+) times", daemon.current_log())), daemon.current_log()
    assert int(re.search(r"after it had failed (\d+) times", daemon.current_log())[1]) >= 3
    assert_ends_well(daemon)


def packets_in(path):
    """Whole ones."""
    content = path.read_bytes()
    at, count = 24, 0
    while at + 16 <= len(content):
        at += 16 + struct.unpack_from("=I", content, at + 8)[0]
        count += at <= len(content)
    return count


@pytest.mark.parametrize("room", [0, 40_000], ids=["no-room", "room-for-some"])
def test_packets_that_a_full_disk_has_not_taken_are_not_said_to_be_captured(host_lab, start_pfild, small_run, room):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--tap")
    path = small_run / "a.pcap"
    path.write_bytes(b"")
    reserve = small_run / "reserve"
    reserve.write_bytes(b"x" * room)
    capture = [program("bpfctl"), "-N", daemon.name, "capture", "eth0", "-w", path, "udp port 9"]
    tool = daemon.host.popen(*capture)
    assert wait_until(lambda: "capturing on eth0" in tool.stderr)
    fill(small_run)
    reserve.unlink()

    def sent_until_it_ends():
        send(host_lab.fw, CLI_ETH0.ipv4, 700, 100)
        return not tool.running()

    assert wait_until(sent_until_it_ends, timeout_s=20), tool.stderr
    assert "No space left on device" in tool.stderr
    assert int(re.search(r"(\d+) packets? captured", tool.stderr)[1]) == packets_in(path), tool.stderr
    assert int(re.search(r"(\d+) packets? received by filter", tool.stderr)[1]) > packets_in(path), tool.stderr
    assert packets_in(path) > 10 or not room
    assert_ends_well(daemon)


def test_no_filter_makes_a_table_wide(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("hook", "add", "cbpf:hosts", "--type", "inet", "--on-match", "drop", "--filter", HOSTS)
    shown = daemon.bpfctl("hooks")
    assert "host 198.18.0.0 or host" in shown
    assert max(map(len, shown.splitlines())) <= WIDEST_LINE
    assert HOSTS in daemon.bpfctl("hook", "show", "cbpf:hosts").replace("\n", " ")
    assert daemon.bpfctl.hook("cbpf:hosts")["filter"] == HOSTS
    assert daemon.stop() == 0


BACKWARD = "ip6 protochain 6"


@pytest.mark.parametrize(
    "words",
    [
        ["capture", "eth0", BACKWARD],
        ["hook", "add", "cbpf:x", "--type", "inet6", "--on-match", "drop", "--filter", BACKWARD],
        ["filter", "explain", BACKWARD],
    ],
    ids=["capture", "hook", "filter"],
)  # fmt: skip
def test_a_program_that_jumps_backwards_is_not_to_be_made_shorter(host_lab, start_pfild, words):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    refusal = daemon.bpfctl.refused(*words)
    assert "jump to outside the program" in refusal.line and "`protochain`" in refusal.line, refusal
    assert "shorter" not in refusal.line and "several hooks" not in refusal.line, refusal
    assert_ends_well(daemon)
