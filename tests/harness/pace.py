# SPDX-License-Identifier: BSD-2-Clause
"""Sending no faster than heads and engine take it, however slow the machine: what is lost then is lost by pfild."""
from .control import Control
from .detour import home
from .judges import wait_until

# Whatever comes to a head and not from the engine is counted as one of these (docs/counters.md).
_CAME = ("diverted", "passed_known", "dropped_known", "passed_lowered", "dropped_lowered", "passed_unhooked", "passed_neighbour",
         "passed_unattended", "dropped_unattended", "passed_silent", "dropped_silent", "passed_looped", "dropped_repairing",
         "dropped_label", "dropped_socketless")  # fmt: skip


class Pace:
    """with Pace(daemon, "in") as pace: ..send 500..; pace.wait(500) returns when they have come and are where they belong."""

    def __init__(self, daemon, direction="in", interface="eth0"):
        self._control = Control(daemon.name)
        self._place = interface, direction
        self._expected = came(self._lane())

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._control.close()

    def wait(self, packets):
        self._expected += packets
        assert wait_until(self._through, step_s=0.001), (self._expected, self._lane())

    def _through(self):
        lane = self._lane()
        return came(lane) >= self._expected and home(lane)

    def _lane(self):
        interface, direction = self._place
        return self._control.call("stats")["result"]["interfaces"][interface][direction]


def came(lane):
    """Packets that have come to the head."""
    return sum(lane[what] for what in _CAME)
