# SPDX-License-Identifier: BSD-2-Clause
"""Every packet of an interface sent through the engine, and the proof that it went there.

Packets are diverted only where a hook is linked (PF-26). A Detour links one that matches every frame and lets it go on, in both
directions. What a test shows about packets is worth something only if they were there: `with detour.watch() as went:` around
the traffic, then went.whole("in", 1000).
"""
import contextlib

from .judges import wait_until
from .rules import guard

EVERY_FRAME = "greater 0"
_LOST = ("dropped_unattended", "dropped_silent", "dropped_label", "dropped_stray", "dropped_socketless", "dropped_stamp", "dropped_repairing", "port_dropped",
         "engine_dropped", "engine_consumed", "engine_dropped_label", "engine_dropped_backlog", "engine_dropped_circling",
         "engine_dropped_stale")  # fmt: skip
_PAST = ("passed_unhooked", "passed_unattended", "passed_silent", "passed_known", "dropped_known", "passed_lowered", "dropped_lowered")


class Detour:
    """Attaches interfaces of a daemon that runs."""

    def __init__(self, daemon, interfaces):
        self.daemon = daemon
        self.interfaces = interfaces
        for interface in interfaces:
            daemon.bpfctl("attach", interface)
        guard(daemon, "cbpf:every-frame", EVERY_FRAME, kind="ethernet", on_match="count")

    def stats(self):
        return self.daemon.bpfctl.json("stats")["interfaces"]

    def settled(self):
        """Counters of a moment at which nothing was on its way; those at the end of the wait when there was none.

        It is the reading that was judged that is returned: a packet of the stack's own (a listener report) can come at any time, and
        the counters of kernel and engine are not read at once.
        """
        readings = []

        def at_rest():
            readings[:] = [self.stats()]
            return all(home(lane) for lanes in readings[0].values() for lane in lanes.values())

        wait_until(at_rest)
        return readings[0]

    @contextlib.contextmanager
    def watch(self):
        """Yields a Carried that is filled when the block ends."""
        before, went = self.settled(), Carried()
        self._before = before
        yield went
        for name, lanes in self.settled().items():
            for direction, lane in lanes.items():
                went.lanes[name, direction] = {what: lane[what] - before[name][direction][what] for what in lane}


    def comes(self, direction, packets, interface="eth0"):
        """Waits until so many went through the engine since the last watch began."""

        def came():
            now, before = self.stats(), self._before
            return now[interface][direction]["reentered"] - before[interface][direction]["reentered"] >= packets

        return wait_until(came)


class Carried:
    """What the lanes have counted during a watch."""

    def __init__(self):
        self.lanes = {}

    def lane(self, direction, interface="eth0"):
        return self.lanes[interface, direction]

    def whole(self, direction, at_least, interface="eth0"):
        """So many packets or more went through the engine, each was sent on, and none went past it or was lost."""
        lane = self.lane(direction, interface)
        ways = {lane[way] for way in ("diverted", "engine_received", "engine_passed", "reentered")}
        past = sum(lane[what] for what in _PAST)
        past += sum(lane[what] for what in _LOST)
        assert len(ways) == 1 and ways.pop() >= at_least and past == 0, (interface, direction, at_least, lane)
        return True


def home(lane):
    """Each packet that was diverted is where it belongs."""
    stopped = sum(count for what, count in lane.items() if what.startswith(("engine_dropped", "engine_consumed")))
    return lane["diverted"] == lane["engine_received"] and lane["reentered"] == lane["engine_received"] - stopped
