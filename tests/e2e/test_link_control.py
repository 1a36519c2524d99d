# SPDX-License-Identifier: BSD-2-Clause
"""What two ends of a link say to keep it up: EAPOL, LACP, LLDP, PTP, MACsec, STP. It arrives also while nobody can be asked; what only
looks like it does not."""
import pytest
from scapy.all import IP, LLC, STP, UDP, Dot1Q, Ether, IPv6

from harness.frames import FramePort
from harness.judges import wait_until
from harness.meter import Meter
from harness.rules import guard

GROUP = "01:80:c2:00:00:{:02x}"
CONTROL = {  # last byte of the address, type, what follows
    "EAPOL": (0x03, 0x888E, bytes([2, 1, 0, 0]).ljust(46, b"\0")),
    "LACP": (0x02, 0x8809, bytes([1, 1, 1, 20]).ljust(110, b"\0")),
    "LLDP": (0x0E, 0x88CC, bytes([2, 7, 4, 2, 0, 0x5E, 0x10, 0, 2]).ljust(46, b"\0")),
    "PTP": (0x0E, 0x88F7, bytes([0x12, 2, 0, 54]).ljust(54, b"\0")),
    "MACsec": (0x00, 0x88E5, bytes([0x2C, 0, 0, 0, 0, 1]).ljust(46, b"\0")),
    "STP": (0x00, 38, bytes(LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP()).ljust(46, b"\0")),
}


def control_frames():
    return {name: Ether(dst=GROUP.format(last), type=kind) / payload for name, (last, kind, payload) in CONTROL.items()}


def like_control():
    """Frames to the same addresses that are IP, tagged or cut; and control frames to others."""
    frames = {}
    for name, (last, kind, payload) in CONTROL.items():
        to = {"dst": GROUP.format(last)}
        frames[f"{name}_tagged"] = Ether(**to) / Dot1Q(vlan=5, type=kind) / payload
        frames[f"{name}_cut"] = Ether(**to, type=kind) / payload[:2]
        frames[f"{name}_beyond"] = Ether(dst=GROUP.format(0x10), type=kind) / payload
    for last in (0x00, 0x02, 0x03, 0x0E):
        to = {"dst": GROUP.format(last)}
        frames[f"ip_{last}"] = Ether(**to) / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(dport=9)
        frames[f"ip6_{last}"] = Ether(**to) / IPv6(src="2001:db8:1::1", dst="2001:db8:1::2") / UDP(dport=9)
        frames[f"other_{last}"] = Ether(**to, type=0x88B5) / bytes(46)
    return frames


class Arrivals:
    """Which of these frames have arrived behind the head, by the source that each is given."""

    def __init__(self, host, frames):
        self.frames = {}
        matches = {}
        for number, (name, frame) in enumerate(frames.items()):
            frame.src = f"02:00:5e:10:01:{number:02x}"
            self.frames[name] = bytes(frame)
            matches[name] = f"ether saddr {frame.src}"
        self._meter = Meter(host, matches)

    def arrived(self):
        return {name for name, count in self._meter.counts().items() if count}


@pytest.mark.parametrize(["run", "unknown"], [("engine", "drop"), ("kernel", "drop"), ("kernel", "pass")])
def test_control_frames_arrive_after_kill_9_and_nothing_that_looks_like_them(host_lab, start_pfild, run, unknown):
    """With `pass` it is the hook in the kernel that drops the others, whoever lives; but tags beside a frame are the engine's."""
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--unknown", unknown)
    guard(daemon, "cbpf:all", "greater 0", "ethernet", direction="i", run=run)
    wanted = control_frames()
    arrivals = Arrivals(host_lab.fw, {**wanted, **like_control()})
    daemon.kill9()
    with FramePort(host_lab.cli) as port:
        port.send(*(frame for name, frame in arrivals.frames.items() if name not in wanted))
        port.send_last(*(arrivals.frames[name] for name in wanted))
    assert wait_until(lambda: arrivals.arrived() >= set(wanted)), arrivals.arrived()
    left_to_the_engine = {name for name in arrivals.frames if name.endswith("_tagged") and unknown == "pass"}
    assert arrivals.arrived() - left_to_the_engine == set(wanted)
