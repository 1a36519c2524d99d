# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 at any moment of an attach, then `bpfctl rescue --all`: nothing of ours is left. Programs of others with our names stay,
and so does a living instance of the same name in other mount and PID namespaces. PFILD_KILLS says how often (10).

With -N, so that what other tests have killed stays for them.
"""
import os
import random
import time

import pytest

from harness.apart import Apart
from harness.judges import left_behind, wait_until
from harness.occupants import all_heads, put_in_front, take_away, tcx_programs
from harness.process import Process
from harness.programs import program
from harness.rules import guard
from harness.system_calls import SystemCalls

CLSACT = 'tc_attach = "clsact"\n'
BOTH_WAYS = pytest.mark.parametrize("config", ["", CLSACT], ids=["tcx", "clsact"])
KILLS = int(os.environ.get("PFILD_KILLS", "10"))
LONGEST_S = 0.25  # of an attach
NAMES = (("ingress", "pfild_in"), ("egress", "pfild_out"))


class Others:
    """On a router: an instance apart, of the daemon's name, on eth1; with TCX, strangers with our names on eth0."""

    def __init__(self, host, name, with_strangers):
        self.host = host
        self.strangers = NAMES if with_strangers else ()
        for side, stranger in self.strangers:
            put_in_front(host, "eth0", side, stranger, -1)
        self.apart = Apart(host, name)
        assert self.apart.run("attach", "eth1", "--mode", "tc").returncode == 0
        self._before = self._now()
        self._ports = self._links()

    def _now(self):
        return all_heads(self.host), tcx_programs(self.host, "eth0"), tcx_programs(self.host, "eth1")

    def _links(self):
        return self.host.run("ip", "-o", "link").stdout.splitlines()

    def left_behind(self, daemon):
        """By that daemon, on eth0."""
        return [one for one in left_behind(daemon) if one not in self._ports]

    def are_untouched_and_alone(self):
        return self._now() == self._before and self.apart.run("stats").returncode == 0

    def go(self, rescue):
        """The instance dies, and is rescued though its folder is not here."""
        self.apart.kill9()
        rescue()
        for _, stranger in self.strangers:
            take_away(self.host, "eth0", stranger)
        assert all_heads(self.host) == {}


class Attach:
    """That a kill interrupts."""

    def __init__(self, daemon):
        self.daemon = daemon
        guard(daemon, direction="i")

    def begin(self):
        return Process([program("bpfctl"), "-N", self.daemon.name, "attach", "eth0", "--unknown", "drop"])

    def kill_after(self, seconds):
        asked = self.begin()
        time.sleep(seconds)
        self._kill(asked)

    def kill_at_call(self, number):
        """Before its system call `number / 2`, or after it, as a call has a begin and an end. How many there were, if that is fewer."""
        calls = SystemCalls(self.daemon.pid)
        asked, passed = self.begin(), 0
        while passed < number and asked.running():
            calls.advance()
            passed += 1
        self._kill(asked)
        return passed

    def _kill(self, asked):
        self.daemon.kill9()
        asked.wait()
        asked.close()


def at_random_moments(moments):
    for _ in range(KILLS):
        after = moments.uniform(0, LONGEST_S)
        yield f"after {after} s", lambda attach, after=after: attach.kill_after(after)


def at_system_calls(moments):
    """Each in its part of the attach, from the first to the last call of it."""
    counted = []
    yield "after the last call", lambda attach: counted.append(attach.kill_at_call(1 << 30))
    for part in range(KILLS - 1):
        number = int((part + moments.random()) * counted[0] / (KILLS - 1))
        yield f"at {number} of {counted[0]}", lambda attach, number=number: attach.kill_at_call(number)


@BOTH_WAYS
@pytest.mark.parametrize("kills", [at_random_moments, at_system_calls])
def test_nothing_of_ours_is_left_and_all_else_is(router_lab, start_pfild, config, kills):
    seed = random.SystemRandom().randrange(1 << 30)
    daemon = start_pfild(router_lab.fw, config=config)
    others = Others(router_lab.fw, daemon.name, with_strangers=config == "")
    rescue = lambda: daemon.bpfctl("rescue", "--all", "--force")  # noqa: E731
    for where, kill in kills(random.Random(seed)):
        kill(Attach(daemon))
        rescue()
        assert wait_until(lambda: others.left_behind(daemon) == []), (seed, where, others.left_behind(daemon))
        assert others.are_untouched_and_alone(), (seed, where)  # once no port goes any more while interfaces are listed
        assert not daemon.pin_folder.exists(), (seed, where)
        daemon.start()
        assert daemon.bpfctl.json("hooks")["count"] == 0, (seed, where, "taken over")
    daemon.bpfctl("attach", "eth0")  # it can still be had
    assert daemon.stop() == 0
    others.go(rescue)
