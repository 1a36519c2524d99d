# SPDX-License-Identifier: BSD-2-Clause
"""How many flows that nobody has seen become known in a second."""
import time


from . import guarded, loads
from .rounds import Row

NAME = "flows"
TITLE = "New flows"
EXPLANATION = (
    "Every packet is the first of its flow. Counted is what is in the table: conntrack's, or pfild's, where the engine decides",
    "about each. Measured in a fresh lab each time, over the first tenth of a second.",
)
COLUMN = "million/s"
REFERENCES = (("nft-ct", "nft conntrack"),)
GUARDED = True
FLOWS = 1048576
WINDOW_S = 0.1  # conntrack's table, of the whole machine, must not fill up


class _Conntrack:
    """The entries of conntrack in a namespace."""

    def __init__(self, host):
        self._host = host

    def read(self):
        counted = int(self._host.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout)
        return time.monotonic_ns(), counted


class _Created(loads.EngineMeter):
    """The entries that pfild has made."""

    def read(self):
        created = self.stats()["flows"]["created"]
        return time.monotonic_ns(), created


def _measured(lab, meter):
    load = loads.PacketLoad(lab, FLOWS)
    process = load.start(WINDOW_S + 1)
    loads.await_load(meter)
    start_ns, start = meter.read()
    time.sleep(WINDOW_S)
    end_ns, end = meter.read()
    process.stop()
    process.close()
    return {COLUMN: (end - start) * 1e3 / (end_ns - start_ns)}


def _by_conntrack():
    lab = guarded.receive_by_napi(guarded.with_nft("ct state new accept"))
    found = _measured(lab, _Conntrack(lab.fw))
    lab.close()
    return found


def _by_pfild(mode):
    lab, daemon = guarded.with_pfild(
        "tcp", "drop", "i", options=(), config=f"flows = {FLOWS}\n", mode=mode
    )
    guarded.receive_by_napi(lab)
    found = _measured(lab, _Created(daemon, "created"))
    daemon.close()
    lab.close()
    return found


def rows(_times):
    return [
        Row("nft-ct", "nft input, conntrack (the reference)", _by_conntrack),
        Row("pfild-tc", "pfild TC", lambda: _by_pfild("tc")),
        Row("pfild-xdp", "pfild XDP", lambda: _by_pfild("xdp")),
    ]
