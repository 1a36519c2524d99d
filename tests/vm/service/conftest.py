# SPDX-License-Identifier: BSD-2-Clause
"""What tests of the service share: the package, installed; a neighbour at the end of a wire; and the instance `default`."""
import subprocess

import pytest
from service_unit import Service, dpkg, installed_version, package

from harness import cleanup
from harness.flow import UdpFlow
from harness.lab import Host, Interface

HERE = Interface("lan0", "02:00:00:00:01:02", "192.0.2.2", "2001:db8:1::2")
THERE = Interface("eth0", "02:00:00:00:01:01", "192.0.2.1", "2001:db8:1::1")


class Wire:
    """lan0 of this machine, and the host at its other end: a veth pair into a namespace."""

    def __init__(self):
        self.here = Host("here", HERE)
        self.there = Host("there", THERE)
        self._cleanup_key = cleanup.register(self._cut)
        _ip("netns", "attach", "here", "1")
        _ip("netns", "add", "there")
        _ip("link", "add", "lan0", "address", HERE.mac, "type", "veth", "peer", "name", "eth0", "address", THERE.mac, "netns", "there")
        for host, interface in ((self.here, HERE), (self.there, THERE)):
            host.run("ip", "address", "add", f"{interface.ipv4}/24", "dev", interface.name)
            host.run("ip", "link", "set", interface.name, "up")

    def flow(self, port, **options):
        """Numbered datagrams from there to here."""
        return UdpFlow(self.there, self.here, HERE.ipv4, port=port, **options)

    def received(self, port, count=20):
        """How many of so many get here."""
        return self.flow(port, rate_pps=100, count=count).finish().received

    def close(self):
        cleanup.run(self._cleanup_key)

    @staticmethod
    def _cut():
        for command in ("link delete lan0", "netns delete there", "netns delete here"):
            subprocess.run(["ip", *command.split()], check=False, capture_output=True)


def _ip(*words):
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def wire():
    made = Wire()
    yield made
    made.close()


@pytest.fixture
def installed():
    """The package of this build; the test may change, remove and purge it."""
    if installed_version() != package("old").version:
        dpkg("--purge", "pfild")
        dpkg("--install", package("old").path)


@pytest.fixture
def service(installed, wire):
    """The instance `default`: it guards lan0, and drops what goes to UDP port 9001."""
    one = Service()
    one.begin()
    yield one
    one.end()
