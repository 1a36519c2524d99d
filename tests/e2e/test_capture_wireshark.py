# SPDX-License-Identifier: BSD-2-Clause
"""tshark finds pfild's interfaces through extcap(4), and captures from them."""
import glob
import os
import shutil
import signal
from collections import Counter

import pytest

from harness.judges import assert_ends_well, wait_until
from harness.ping import ping
from harness.programs import program

EXTCAP = os.path.join(os.path.dirname(__file__), "../../packaging/extcap/pfild")


@pytest.fixture
def environment(tmp_path):
    """tshark whose folder for extcap has our program, which calls the bpfctl under test."""
    folder = tmp_path / "extcap"
    folder.mkdir()
    shutil.copy(EXTCAP, folder / "pfild")
    # Root's tshark takes no other folder from its environment: ours is put over it, for tshark alone.
    (place,) = glob.glob("/usr/lib/*/wireshark/extcap")
    over = ["unshare", "--mount", "sh", "-c", f'mount --bind "$0" {place} && exec "$@"', folder]
    return [*over, "env", f"PFILD_BPFCTL={program('bpfctl')}", f"HOME={tmp_path}"]


def test_tshark_lists_our_interfaces_and_captures_from_them(host_lab, start_pfild, environment, tmp_path):
    fw = host_lab.fw
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "eth0")
    listed = fw.run(*environment, "tshark", "-D").stdout
    ours = f"pfild:{daemon.name}:eth0"
    assert ours in listed and f"pfild:{daemon.name}:any" in listed, listed
    file = tmp_path / "a.pcapng"
    capture = fw.popen(*environment, "tshark", "-i", ours, "-f", "icmp", "-w", file)
    assert wait_until(lambda: [one["state"] for one in daemon.bpfctl.json("peers")["devices"]] == ["attached"], timeout_s=30), capture.stderr
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    assert wait_until(lambda: rows(fw, file) == {("icmp", "0x00000001"): 5, ("icmp", "0x00000002"): 5}, timeout_s=30), rows(fw, file)
    capture.signal(signal.SIGINT)
    assert capture.wait(30) == 0, capture.stderr
    assert wait_until(lambda: daemon.bpfctl.json("peers")["count"] == 0, timeout_s=30), "the capture has outlived tshark"
    assert_ends_well(daemon)


def rows(host, file):
    """How often which protocol and direction is in a file that may still be written."""
    read = host.run("tshark", "-r", file, "-T", "fields", "-e", "frame.protocols", "-e", "frame.packet_flags_direction", check=False)
    split = [line.split("\t") for line in read.stdout.splitlines()]
    return Counter(("icmp" if "icmp" in words[0].split(":") else words[0], words[-1]) for words in split)


def test_the_program_answers_what_wireshark_asks(host_lab, start_pfild, environment):
    fw = host_lab.fw
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "eth0")
    ours = ["--extcap-interface", f"pfild:{daemon.name}:eth0"]

    def asked(*words, check=True):
        return fw.run(*environment, EXTCAP, *words, check=check)

    listed = asked("--extcap-interfaces", "--extcap-version=4.0").stdout
    assert f"interface {{value=pfild:{daemon.name}:eth0}}{{display=pfild: eth0 of {daemon.name}}}\n" in listed
    assert "dlt {number=1}{name=EN10MB}" in asked(*ours, "--extcap-dlts").stdout
    config = asked(*ours, "--extcap-config").stdout
    assert config.count("arg {") == 4 and config.count("{default=") == 6, config
    assert asked(*ours, "--extcap-capture-filter", "tcp port 80").stdout == ""
    assert "syntax error" in asked(*ours, "--extcap-capture-filter", "tcp por").stdout
    for wrong, code in (
        (["--extcap-interface", "eth0", "--extcap-dlts"], 2),
        (["--extcap-interface", "pfild:../x:eth0", "--extcap-dlts"], 2),
        ([*ours, "--capture"], 2),
        ([*ours, "--capture", "--fifo", "/dev/null", "--extcap-capture-filter", "tcp por"], 1),
        (["--extcap-interface", f"pfild:{daemon.name}:eth9", "--capture", "--fifo", "/dev/null"], 1),
    ):
        done = asked(*wrong, check=False)
        assert done.returncode == code and done.stderr.startswith("bpfctl: ") and done.stdout == "", (wrong, done)
    assert_ends_well(daemon)
