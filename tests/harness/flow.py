# SPDX-License-Identifier: BSD-2-Clause
"""A numbered UDP flow from one host to another, sent and judged by udp_flow (udp_flow.cpp)."""
import json
from dataclasses import dataclass

from .programs import program


@dataclass(frozen=True)
class FlowResult:
    sent: int
    seconds: float
    received: int  # different packets of the flow
    duplicated: int
    out_of_order: int
    missing: list  # the first ten ranges [first, last] that did not come, within what was sent
    latency_us: dict  # p50, p99, max, from sendmmsg to recvmmsg
    sender_dropped: int = 0  # packets that the sender's interface dropped meanwhile, others than this flow's as well

    @property
    def lost(self):
        return self.sent - self.received

    @property
    def rate_pps(self):
        return self.sent / self.seconds

    def clean(self):
        """Every packet came, once, in the order of sending."""
        return self.sent > 0 and (self.lost, self.duplicated, self.out_of_order) == (0, 0, 0)

    def clean_behind_sender(self):
        """The same of all but as many packets as the sender's interface has dropped: they never left it."""
        return self.lost <= self.sender_dropped < self.sent and (self.duplicated, self.out_of_order) == (0, 0)


class UdpFlow:
    """Runs until `count` packets are sent, or until finish(early=True). The receiver listens before the sender starts.
    A sender that is moved from one processor to another reorders its packets itself; with `processor` it stays there."""

    def __init__(
        self, sender, receiver, address, rate_pps=1000, count=1000, size_bytes=64, port=9000, source_port=0, interface="eth0",
        processor=None,
    ):  # fmt: skip
        shared = ["--port", port, "--count", count]
        listen = [program("udp_flow"), "receive", *shared, "--idle-ms", 600_000, "--told"]
        self._receiver = receiver.popen(*listen, listening=True)
        self._receiver.wait_for_output("listening")
        self._host, self._interface = sender, interface
        self._dropped_before = sender.counter("tx_dropped", interface)
        paced = ["--rate", rate_pps, "--size", size_bytes, "--source-port", source_port]
        stay = [] if processor is None else ["taskset", "--cpu-list", processor]
        self._sender = sender.popen(*stay, program("udp_flow"), "send", address, *shared, *paced)
        self._sender.wait_for_output("sending")
        self._longest_s = 60 + 2 * count / rate_pps

    def running(self):
        return self._sender.running()

    def finish(self, early=False):
        """The result, when all that was sent has come, or nothing more comes. early: the sender ends now."""
        if early:
            self._sender.stop()
        self._sender.wait(self._longest_s)
        report = _last_line(self._sender)
        self._receiver.tell(str(report["sent"]))
        self._receiver.stop()
        seen = _last_line(self._receiver)
        missing = [[first, min(last, report["sent"] - 1)] for first, last in seen["missing"] if first < report["sent"]]
        result = FlowResult(
            report["sent"], report["seconds"], seen["received"], seen["duplicated"], seen["out_of_order"], missing,
            seen["latency_us"], self._host.counter("tx_dropped", self._interface) - self._dropped_before,
        )
        self.close()
        return result

    def close(self):
        self._sender.close()
        self._receiver.close()


def _last_line(process):
    lines = process.stdout.splitlines()
    if process.popen.returncode != 0 or not lines:
        raise AssertionError(f"{process.command}: exit {process.popen.returncode}: {process.stderr}")
    return json.loads(lines[-1])


def send_and_judge(sender, receiver, address, **options):
    """A whole flow; its FlowResult. Options as those of UdpFlow."""
    return UdpFlow(sender, receiver, address, **options).finish()
