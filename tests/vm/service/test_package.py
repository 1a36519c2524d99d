# SPDX-License-Identifier: BSD-2-Clause
"""The life of the package where systemd is: installed, upgraded under traffic, removed, purged."""
import contextlib
import grp
import os
import pathlib
import shutil
import signal
import time

from service_unit import FILE, Service, dpkg, installed_version, package, run

from harness.judges import heads, qdiscs, tc_filters, wait_until

NUMBERED = 200  # datagrams, at
A_SECOND = 20


def left_of_pfild():
    """Paths that are its, wherever a package or an instance may put some."""
    places = ("/etc", "/usr/sbin", "/usr/lib", "/usr/share", "/var/lib", "/run", "/sys/fs/bpf")
    ours = ["(", "-name", "*pfild*", "-o", "-name", "bpfctl*", ")", "-print"]
    return run("find", *places, "-xdev", "-path", "/run/vm", "-prune", "-o", *ours).stdout.split()


def ports(host):
    """Interfaces of pfild's own."""
    return [line for line in host.run("ip", "-o", "link").stdout.splitlines() if "pfp" in line or "pfq" in line]


def is_group():
    try:
        return bool(grp.getgrnam("pfild"))
    except KeyError:
        return False


def under_traffic(wire, action):
    """A flow of numbered datagrams, and one that is to be dropped, from before `action` until after it: their results."""
    passing = wire.flow(9000, rate_pps=A_SECOND, count=100 * NUMBERED)
    blocked = wire.flow(9001, rate_pps=A_SECOND, count=100 * NUMBERED)
    begun = time.monotonic()
    action()
    time.sleep(max(1.0, 1.1 * NUMBERED / A_SECOND - (time.monotonic() - begun)))  # no less than so many, and some after it
    return passing.finish(early=True), blocked.finish(early=True)


def test_installing_starts_nothing_and_the_service_guards_from_its_start(installed, wire):
    assert run("systemctl", "list-units", "--all", "--plain", "--no-legend", "pfild@*").stdout == ""
    assert is_group() and heads(wire.here, "lan0") == {"ingress": [], "egress": []}
    assert all(line.startswith("#") for line in FILE.read_text().splitlines() if line)
    service = Service()
    service.begin()
    assert service.active() and service.guards("lan0")
    assert [wire.received(port) for port in (9000, 9001)] == [20, 0]
    service.end()
    assert [wire.received(port) for port in (9000, 9001)] == [20, 20], "stopped, and packets do not pass"
    assert ports(wire.here) == []


def test_enabled_it_is_wanted_by_the_next_boot(installed):
    run("systemctl", "enable", Service.UNIT)
    assert run("systemctl", "is-enabled", Service.UNIT).stdout.strip() == "enabled"
    assert Service.UNIT in run("systemctl", "show", "--value", "--property", "Wants", "multi-user.target").stdout.split()
    run("systemctl", "disable", Service.UNIT)


def test_an_upgrade_loses_none_of_200_numbered_datagrams(service, wire):
    def nothing():
        pass

    passing, blocked = under_traffic(wire, nothing)
    assert passing.sent >= NUMBERED and passing.clean() and blocked.received == 0, ("control", passing, blocked)
    before = service.pid
    passing, blocked = under_traffic(wire, lambda: dpkg("--install", package("new").path))
    assert installed_version() == package("new").version != package("old").version
    assert service.active() and service.pid != before and service.program() == "/usr/sbin/pfild"
    assert passing.sent >= NUMBERED and passing.clean(), passing
    assert blocked.sent >= NUMBERED and blocked.received == 0, blocked
    assert [wire.received(port) for port in (9010, 9001)] == [20, 0], "of the new daemon"


def test_removed_it_leaves_its_configuration_and_no_head(service, wire):
    run("systemctl", "enable", Service.UNIT)
    dpkg("--remove", "pfild")
    assert installed_version() is None
    assert ports(wire.here) == [] and tc_filters(wire.here, "lan0") == {"ingress": [], "egress": []}
    assert not pathlib.Path("/sys/fs/bpf/pfild").exists() or not list(pathlib.Path("/sys/fs/bpf/pfild").iterdir())
    assert FILE.exists() and is_group()
    assert [wire.received(port) for port in (9000, 9001)] == [20, 20]
    dpkg("--purge", "pfild")
    assert left_of_pfild() == [] and not is_group()
    assert run("systemctl", "list-units", "--all", "--plain", "--no-legend", "pfild@*").stdout == ""


def test_purged_at_once_it_leaves_nothing_of_a_running_instance(service, wire):
    dpkg("--purge", "pfild")
    assert left_of_pfild() == [] and ports(wire.here) == [] and not is_group()
    assert tc_filters(wire.here, "lan0") == {"ingress": [], "egress": []}
    assert [wire.received(port) for port in (9000, 9001)] == [20, 20]


@contextlib.contextmanager
def not_restarted():
    """A daemon that dies stays dead. For this boot, and without a trace."""
    folder = pathlib.Path(f"/run/systemd/system/{Service.UNIT}.d")
    folder.mkdir(parents=True)
    (folder / "once.conf").write_text("[Service]\nRestart=no\n")
    run("systemctl", "daemon-reload")
    try:
        yield
    finally:
        shutil.rmtree(folder)
        run("systemctl", "daemon-reload")


def test_purged_after_its_daemon_was_killed_it_leaves_nothing(service, wire):
    with not_restarted():
        os.kill(service.pid, signal.SIGKILL)
        assert wait_until(lambda: service.shown("ActiveState") == "failed", timeout_s=30)
    assert all(heads(wire.here, "lan0").values()) and wire.received(9001) == 0, "nothing is left to be removed"
    assert any(one["kind"] == "clsact" for one in qdiscs(wire.here, "lan0"))
    dpkg("--purge", "pfild")
    assert left_of_pfild() == [] and ports(wire.here) == [] and not is_group()
    assert tc_filters(wire.here, "lan0") == {"ingress": [], "egress": []}
    assert not any(one["kind"] == "clsact" for one in qdiscs(wire.here, "lan0"))
    assert [wire.received(port) for port in (9000, 9001)] == [20, 20]
