# SPDX-License-Identifier: BSD-2-Clause
"""The guest itself: a whole Debian 12, and up soon though it is emulated."""
import pathlib

from service_unit import run

LONGEST_BOOT_S = 90


def test_systemd_is_up_within_90_s_and_nothing_has_failed():
    state = run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()
    failed = run("systemctl", "list-units", "--failed", "--plain", "--no-legend").stdout
    assert (state, failed) == ("running", "")
    # From the kernel's first moment to that of the end of the boot.
    finished_us = int(run("systemctl", "show", "--value", "--property", "UserspaceTimestampMonotonic").stdout)
    print(f"systemd began after {finished_us / 1e6} s")
    finished_us = int(run("systemctl", "show", "--value", "--property", "FinishTimestampMonotonic").stdout)
    assert 0 < finished_us < LONGEST_BOOT_S * 1e6, f"{finished_us / 1e6} s"
    (pathlib.Path("/run/vm") / "boot").write_text(f"{finished_us / 1e6:.1f}\n")


def test_it_is_debian_12_and_has_no_way_out():
    assert "VERSION_CODENAME=bookworm" in pathlib.Path("/etc/os-release").read_text()
    assert pathlib.Path("/proc/1/comm").read_text() == "systemd\n"
    assert run("ip", "route", "show", "table", "all", "type", "unicast", "default").stdout == ""
