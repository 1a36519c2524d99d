# SPDX-License-Identifier: BSD-2-Clause
"""The pytest side of the harness: fixtures, the time limit of a test, and what becomes of a skip.

A file of tests with a skipped test ends with exit code 77, which ctest shows as skipped; with PFILD_REQUIRE_ALL=1 a skip is a
failure. A test that takes longer than PFILD_TEST_SECONDS (default 120) fails by itself, before ctest would kill it.
"""
import os
import signal
import subprocess

import pytest

from . import cleanup, lab
from .detour import Detour
from .foreign_xdp import ForeignXdp
from .judges import assert_ends_well
from .pfild import TEST_MODE, Pfild
from .transfer import HttpServer

EXIT_SKIPPED = 77
_skipped = []


def required():
    return os.environ.get("PFILD_REQUIRE_ALL") == "1"


def pytest_sessionstart():
    cleanup.install()
    if os.geteuid() == 0:
        lab.remove_abandoned()


def pytest_configure(config):
    config.addinivalue_line("markers", "tc_only(reason): not run with heads in XDP, where something else is right")


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if TEST_MODE == "xdp" and item.get_closest_marker("tc_only")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and required():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"PFILD_REQUIRE_ALL=1, and this test cannot run: {reason}"
    if report.skipped:
        _skipped.append(item.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    if exitstatus == 0 and _skipped:
        session.exitstatus = EXIT_SKIPPED


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """Covers set-up and clean-up too."""
    limit_s = int(os.environ.get("PFILD_TEST_SECONDS", "120"))

    def give_up(_number, _frame):
        pytest.fail(f"{item.name} took longer than {limit_s} s")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(limit_s)
    yield
    signal.alarm(0)


def _need_root():
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")


@pytest.fixture
def everything(tmp_path):
    """A program that matches every packet."""
    path = tmp_path / "all.bpf"
    path.write_text("1\n6 0 0 1\n")
    return path


@pytest.fixture
def small_run(tmp_path):
    """A file system of 2 MiB for what an instance keeps."""
    folder = tmp_path / "run"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0755", "pfild-test", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def make_lab():
    """make_lab("host") or make_lab("router"): as many as a test wants."""
    _need_root()
    made = []

    def make(topology="host"):
        made.append(lab.Lab(topology))
        return made[-1]

    yield make
    for one in reversed(made):
        one.close()


@pytest.fixture
def host_lab(make_lab):
    return make_lab("host")


@pytest.fixture
def router_lab(make_lab):
    return make_lab("router")


@pytest.fixture
def bridged(router_lab):
    """cli and srv on one Ethernet: fw is a bridge."""
    fw = router_lab.fw
    fw.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    for interface in ("eth0", "eth1"):
        fw.run("ip", "link", "set", interface, "master", "br0")
    fw.run("ip", "link", "set", "br0", "up")
    return router_lab


@pytest.fixture
def start_pfild(make_lab):
    """start_pfild(lab.fw, config=..): daemons that are gone after the test. A failed test shows their logs."""
    started = []

    def start(host, **options):
        daemon = Pfild(host, start=False, **options)
        started.append(daemon)
        daemon.start()
        return daemon

    yield start
    for daemon in reversed(started):
        daemon.close()
        print(f"--- log of pfild {daemon.name}\n{daemon.log}")


@pytest.fixture
def daemon(host_lab, start_pfild):
    """One whose eth0 is attached, and which ends well unless the test has ended it."""
    one = start_pfild(host_lab.fw)
    one.bpfctl("attach", "eth0")
    yield one
    if one.running():
        assert_ends_well(one)


@pytest.fixture
def detour(start_pfild):
    """detour(lab.fw, "eth0"): a Detour, whose daemon must end well when the test is over."""
    made = []

    def make(host, *interfaces):
        made.append(Detour(start_pfild(host), interfaces or ("eth0",)))
        return made[-1]

    yield make
    for one in made:
        if one.daemon.running():
            assert_ends_well(one.daemon, *one.interfaces)


@pytest.fixture
def foreign_xdp(tmp_path):
    """A ForeignXdp, not attached yet."""
    return ForeignXdp(tmp_path)


@pytest.fixture
def serve_http(make_lab):
    """serve_http(host): an HttpServer."""
    started = []

    def serve(host, port=8080):
        started.append(HttpServer(host, port))
        return started[-1]

    yield serve
    for server in reversed(started):
        server.close()
