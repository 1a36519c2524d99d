# SPDX-License-Identifier: BSD-2-Clause
"""Knocks at TCP ports by raw frames: which SYNs are answered, whatever is in front of them."""
import itertools

from scapy.all import TCP, Ether

from .frames import FramePort

SYN_ACK = 0x12


class Knocker:
    """Sends SYNs from a host by its eth0 and sees which are answered."""

    _sources = itertools.count(20000)

    def __init__(self, host):
        self._port = FramePort(host)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._port.close()

    def answered(self, frames_of, names, last):
        """The names whose SYN is answered with a SYN-ACK. frames_of(name, source port): the frames that make it. `last`: the frames of
        a SYN that is answered for sure, behind all others; as packets do not overtake, all are decided when its answer is here."""
        names_by_source = {}
        for name in names:
            source = next(self._sources)
            names_by_source[source] = name
            self._port.send(*frames_of(name, source))
        end = next(self._sources)
        self._port.send(*last(end))
        wanted = set(names_by_source) | {end}
        seen = set()
        while end not in seen:
            found = self._port.receive(lambda packet: answered_port(packet) in wanted - seen)
            assert found, f"the last SYN was not answered; answered were {sorted(names_by_source[one] for one in seen)}"
            seen |= {answered_port(one.packet) for one in found}
        return {names_by_source[source] for source in seen - {end}}


def answered_port(packet):
    """The port that a SYN-ACK goes to; nothing of other packets."""
    return packet[TCP].dport if isinstance(packet, Ether) and TCP in packet and int(packet[TCP].flags) & 0x3F == SYN_ACK else None
