# SPDX-License-Identifier: BSD-2-Clause
"""A lab of scripts/lab and the hosts in it.

A lab of a test is called t<pid of the test>-<number>: two test sessions do not meet, and a lab whose session was killed can be
told from one that is in use.
"""
import itertools
import os
import re
import subprocess
from dataclasses import dataclass

from . import cleanup
from .process import Process
from .programs import LAB


@dataclass(frozen=True)
class Interface:
    """One end of a veth pair, as scripts/lab makes it."""

    name: str
    mac: str
    ipv4: str
    ipv6: str


CLI_ETH0 = Interface("eth0", "02:00:00:00:01:01", "192.0.2.1", "2001:db8:1::1")
FW_ETH0 = Interface("eth0", "02:00:00:00:01:02", "192.0.2.2", "2001:db8:1::2")
FW_ETH1 = Interface("eth1", "02:00:00:00:02:02", "198.51.100.2", "2001:db8:2::2")
SRV_ETH0 = Interface("eth0", "02:00:00:00:02:01", "198.51.100.1", "2001:db8:2::1")


class Host:
    """One network namespace of a lab. Commands are lists of words, no shell."""

    def __init__(self, namespace, eth0, eth1=None):
        self.namespace = namespace
        self.netns_path = f"/run/netns/{namespace}"
        self.eth0 = eth0
        self.eth1 = eth1

    def run(self, *command, check=True, timeout_s=60, stdin=None):
        """Runs a command to its end; a CompletedProcess with text. With check, a failure shows what the command said."""
        done = subprocess.run(
            self.inside(command), capture_output=True, text=True, errors="replace", timeout=timeout_s, input=stdin or ""
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{self.namespace}: {command}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def popen(self, *command, **options):
        """Starts a command; the Process ends with the test at the latest. Options as those of Process."""
        return Process(self.inside(command), **options)

    def inside(self, command):
        # Not `ip netns exec`: that hides bpffs.
        return ["nsenter", f"--net={self.netns_path}", "--", *map(str, command)]

    def counter(self, name, interface="eth0"):
        """An interface counter of the kernel: rx_packets, tx_packets, rx_dropped, .."""
        line = self.run("ip", "-s", "-s", "-o", "link", "show", "dev", interface).stdout
        direction, field = name.split("_", 1)
        found = re.search(rf"{direction.upper()}: *([a-z_ ]*?)\\ +([\d ]+)", line)
        return dict(zip(found[1].split(), map(int, found[2].split())))[field]


class Lab:
    """lab.cli, lab.fw and, in a router lab, lab.srv. `close` removes it; so does the end of the test session."""

    _numbers = itertools.count(1)

    def __init__(self, topology="host"):
        self.name = f"t{os.getpid()}-{next(Lab._numbers)}"
        self.topology = topology
        self._cleanup_key = cleanup.register(self._down)
        lab_script("up", self.name, "--topology", topology)
        router = topology == "router"
        self.cli = Host(f"pfild-{self.name}-cli", CLI_ETH0)
        self.fw = Host(f"pfild-{self.name}-fw", FW_ETH0, FW_ETH1 if router else None)
        self.srv = Host(f"pfild-{self.name}-srv", SRV_ETH0) if router else None

    def hosts(self):
        return [host for host in (self.cli, self.fw, self.srv) if host]

    def set_mtu(self, mtu):
        """Of every interface of the lab."""
        for host in self.hosts():
            for interface in filter(None, (host.eth0, host.eth1)):
                host.run("ip", "link", "set", interface.name, "mtu", mtu)

    def close(self):
        cleanup.run(self._cleanup_key)

    def _down(self):
        lab_script("down", self.name)


def lab_script(*arguments, check=True):
    """Runs scripts/lab; a CompletedProcess."""
    done = subprocess.run([LAB, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    if check and done.returncode != 0:
        raise AssertionError(f"scripts/lab {arguments}: {done.stderr}")
    return done


def lab_names():
    return lab_script("list").stdout.split()


def remove_abandoned():
    """Removes the labs of test sessions that were killed."""
    for name in lab_names():
        of_test = re.fullmatch(r"t(\d+)-\d+", name)
        if of_test and not os.path.exists(f"/proc/{of_test[1]}"):
            lab_script("down", name, check=False)  # another session may be removing it, too
