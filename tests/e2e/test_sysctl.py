# SPDX-License-Identifier: BSD-2-Clause
"""`bpfctl sysctl`: net.bpf as a BSD shows it, sizes of buffers that are set while the daemon runs, and whose devices are seen."""
import json
import pathlib
import subprocess

import pytest

from harness.control import socket_path
from harness.device import SET_BUFFER_SIZE, Device
from harness.judges import assert_ends_well
from harness.ping import ping
from harness.programs import program

GROUP, MEMBER = 4711, 65534


def started(lab, start_pfild, **options):
    daemon = start_pfild(lab.fw, **options)
    daemon.bpfctl("attach", "eth0", "--tap")
    return daemon


def test_shows_all_or_what_is_named_as_text_and_as_json(host_lab, start_pfild):
    daemon = started(host_lab, start_pfild)
    usual = ["net.bpf.maxbufsize=4194304", "net.bpf.bufsize=32768", "net.bpf.maxinsns=512"]
    none = "net.bpf.stats=received 0, dropped 0, captured 0"
    assert daemon.bpfctl("sysctl").splitlines() == [*usual, none, "net.bpf.peers="]
    assert daemon.bpfctl("sysctl", "maxinsns", "net.bpf.maxbufsize").splitlines() == [usual[0], usual[2]]
    with Device(daemon, "eth0", expression="icmp", buffer_size=4096) as device:
        ping(host_lab.cli, host_lab.fw.eth0.ipv4, count=3)
        shown = daemon.bpfctl.json("sysctl")
        assert list(shown) == [f"net.bpf.{name}" for name in ("maxbufsize", "bufsize", "maxinsns", "stats", "peers")]
        assert shown["net.bpf.stats"]["captured"] == 6
        (peer,) = shown["net.bpf.peers"]
        assert (peer["interface"], peer["buffer_size"], peer["captured"], peer["number"]) == ("eth0", 4096, 6, device.number)
        assert "eth0" in daemon.bpfctl("sysctl", "net.bpf.peers")
    assert daemon.bpfctl.json("sysctl", "stats")["net.bpf.stats"]["captured"] == 6, "they outlive their device"
    assert_ends_well(daemon)


def test_sizes_are_set_while_devices_are_open_and_what_is_no_size_changes_nothing(host_lab, start_pfild):
    daemon = started(host_lab, start_pfild)
    with Device(daemon, expression="icmp") as early:
        assert early.buffer_size == 262144
        assert daemon.bpfctl("sysctl", "net.bpf.maxbufsize=16777216").splitlines() == ["net.bpf.maxbufsize=16777216"]
        early.buffer_size = int.from_bytes(early.ask(SET_BUFFER_SIZE, (1 << 30).to_bytes(4, "little")), "little")
        assert early.buffer_size == 16777216, "for a device that was open already, too"
        early.attach("eth0")
        ping(host_lab.cli, host_lab.fw.eth0.ipv4, count=3)
        assert len(early.read_all()) == 6
        assert daemon.bpfctl("sysctl", "-w", "maxbufsize=4096").splitlines() == ["net.bpf.maxbufsize=4096"]
        assert daemon.bpfctl("sysctl", "bufsize").splitlines() == ["net.bpf.bufsize=4096"], "no more than the largest"
        with Device(daemon, buffer_size=1 << 20) as late:
            assert late.buffer_size == 4096
        ping(host_lab.cli, host_lab.fw.eth0.ipv4, count=3)
        assert len(early.read_all()) == 6, "its buffers stay as they are"
    for words, why in [
        (["maxbufsize=4095"], "maxbufsize"),
        (["maxbufsize=16777217"], "maxbufsize"),
        (["bufsize=31"], "bufsize"),
        (["bufsize=4097"], "more than net.bpf.maxbufsize, 4096"),
        (["stats=0"], "net.bpf.stats: it cannot be set"),
        (["maxinsns=4096"], "net.bpf.maxinsns: it cannot be set"),
    ]:
        assert why in daemon.bpfctl.refused("sysctl", *words).line
        assert daemon.bpfctl.json("sysctl", "maxbufsize", "bufsize") == {"net.bpf.maxbufsize": 4096, "net.bpf.bufsize": 4096}
    assert_ends_well(daemon)


@pytest.mark.parametrize("verb", [["sysctl", "peers"], ["peers"]], ids=["sysctl", "peers"])
def test_a_member_of_the_group_sees_his_own_devices_and_sets_nothing(host_lab, start_pfild, tmp_path, verb):
    system = tmp_path / "group"  # seen by the daemon alone
    system.write_text(pathlib.Path("/etc/group").read_text().rstrip("\n") + f"\npfild:x:{GROUP}:\n")
    its_groups = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/group && exec "$@"', system)
    daemon = started(host_lab, start_pfild, started_by=its_groups)

    def as_member(*words):
        command = [program("bpfctl"), "--json", "--socket", socket_path(daemon.name), *words]
        done = subprocess.run(command, user=MEMBER, group=GROUP, extra_groups=[], capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout or done.stderr)

    def devices(answer):
        return answer.get("net.bpf.peers", answer.get("devices"))

    with Device(daemon, "eth0"):
        assert len(devices(daemon.bpfctl.json(*verb))) == 1
        assert devices(as_member(*verb)) == []
    assert as_member("sysctl", "bufsize") == {"net.bpf.bufsize": 32768}
    assert "EACCES" in json.dumps(as_member("sysctl", "bufsize=4096"))
    assert_ends_well(daemon)
