# SPDX-License-Identifier: BSD-2-Clause
"""The unit of systemd: what it lets the daemon do is enough, and is no more than it asks for."""
import configparser
import pathlib
import shutil
import subprocess

import pytest

from harness.judges import assert_ends_well, wait_until
from harness.ping import ping
from harness.programs import program
from harness.remote_shell import RemoteShell
from harness.rules import add_hook, counted, guard

PACKAGING = pathlib.Path(__file__).resolve().parents[2] / "packaging"
TEMPLATE = PACKAGING / "pfild@.service.in"

# What the daemon does not start without, and what it can do without: to give bpf.sock to the group pfild.
NEEDED = {"CAP_BPF", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_SYS_ADMIN"}
USEFUL = {"CAP_CHOWN", "CAP_SYS_PTRACE"}
# In effect only while the lock-out guard looks whose sockets are whose.
SELDOM = {"CAP_SYS_PTRACE"}


def unit():
    """Its sections; of a key that is there twice the last."""
    parsed = configparser.ConfigParser(strict=False, interpolation=None, delimiters=["="])
    parsed.optionxform = str
    parsed.read_string(TEMPLATE.read_text())
    return parsed


def capabilities():
    return set(unit()["Service"]["CapabilityBoundingSet"].split())


@pytest.fixture
def confined(monkeypatch, tmp_path):
    """From now on daemons of this test are started with the unit's capabilities, and can get no others."""
    rights = ",".join(f"+{name[4:].lower()}" for name in sorted(capabilities()))
    wrapper = tmp_path / "pfild"
    wrapper.write_text(f"#!/bin/sh\nexec setpriv --bounding-set=-all,{rights} --inh-caps=-all --no-new-privs {program('pfild')} \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr("harness.pfild.program", lambda name: str(wrapper) if name == "pfild" else program(name))


def rights(pid, which="CapEff"):
    """The names of a process's capabilities that are in effect (or, CapPrm, may be), as capsh has them."""
    line = next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(which))
    decoded = subprocess.run(["capsh", f"--decode={line.split()[1]}"], capture_output=True, text=True, check=True).stdout
    return {name.upper() for name in decoded.strip().split("=")[1].split(",")}


def test_the_unit_allows_what_the_daemon_asks_for_and_one_thing_more():
    assert capabilities() == NEEDED | USEFUL
    said = subprocess.run([program("pfild"), "--help"], capture_output=True, text=True, check=True).stdout
    assert all(name in said for name in NEEDED), said


@pytest.mark.parametrize("mode", ["tc", "xdp"])
def test_with_these_rights_it_attaches_filters_in_kernel_and_engine_captures_and_is_taken_over(host_lab, start_pfild, confined, mode):
    daemon = start_pfild(host_lab.fw)
    assert rights(daemon.pid, "CapPrm") == capabilities()
    assert all(rights(thread.name) == capabilities() - SELDOM for thread in pathlib.Path(f"/proc/{daemon.pid}/task").iterdir())
    daemon.bpfctl("attach", "eth0", "--mode", mode)
    guard(daemon, "cbpf:large", "icmp and greater 1000", direction="i", run="engine")
    guard(daemon, "cbpf:old", "ip[8] < 5", direction="i", run="kernel")
    capture = host_lab.fw.popen(program("bpfctl"), "-N", daemon.name, "capture", "eth0", "--json", "-c", "1", "icmp")
    wait_until(lambda: daemon.bpfctl.json("peers")["devices"])
    assert ping(host_lab.cli, "192.0.2.2", count=5).lost == 0
    assert capture.wait(10) == 0
    assert '"captured":1' in capture.stdout
    assert ping(host_lab.cli, "192.0.2.2", count=3, size_bytes=1200).received == 0
    assert ping(host_lab.cli, "192.0.2.2", count=3, options=("-t", "3")).received == 0

    daemon.kill9()  # what a restart does, and an end for want of memory
    daemon.start()
    assert ping(host_lab.cli, "192.0.2.2", count=3, options=("-t", "3")).received == 0
    assert counted(daemon, "cbpf:old")["dropped"] >= 3
    assert_ends_well(daemon)


def test_with_these_rights_the_lock_out_guard_finds_a_caller_who_has_all(host_lab, start_pfild, confined):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    add_hook(daemon, "cbpf:in", "tcp dst port 2222")
    shell = RemoteShell(host_lab.fw, host_lab.cli, 2222)
    code, said = shell.run(program("bpfctl"), "-N", daemon.name, "link", "-i", "cbpf:in", "inet")
    assert code == 1 and "the lock-out guard: hook cbpf:in" in said, said
    assert rights(daemon.pid) == capabilities() - SELDOM
    shell.close()
    assert_ends_well(daemon)


def systemd_says(text, folder):
    path = folder / "pfild@default.service"
    path.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path],
                          capture_output=True, text=True, check=False)
    return done.stderr


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    text = TEMPLATE.read_text()
    for name in ("pfild", "bpfctl"):
        text = text.replace(f"@CMAKE_INSTALL_FULL_SBINDIR@/{name} ", f"{program(name)} ")
    text = text.replace("@CMAKE_INSTALL_FULL_DOCDIR@", "/usr/share/doc/pfild")
    assert "@CMAKE" not in text
    assert systemd_says(text, tmp_path) == ""
    assert "RestartSignal" in systemd_says(text.replace("RestartKillSignal", "RestartSignal"), tmp_path)
