# SPDX-License-Identifier: BSD-2-Clause
"""How many packets the engine was sent, and how many the flow table answered, in both directions of an interface."""


def received(daemon, interface="eth0"):
    """Packets that the engine was sent."""
    lanes = daemon.bpfctl.json("stats")["interfaces"][interface]
    return sum(lane["engine_received"] for lane in lanes.values())


def known(daemon, interface="eth0"):
    """Packets that the flow table answered."""
    lanes = daemon.bpfctl.json("stats")["interfaces"][interface]
    return sum(lane["passed_known"] + lane["dropped_known"] for lane in lanes.values())
