# SPDX-License-Identifier: BSD-2-Clause
"""Known flows at rates that leave a machine little else to do: they lose no packet and keep their order while answers are published
and rules change."""
import threading
import time

import pytest

from harness.control import Control
from harness.flow import UdpFlow
from harness.judges import assert_clean, assert_ends_well, wait_until
from harness.known import known, received
from harness.rules import add_hook, guard

MEGABYTES_100 = 100_000_000
# While a flow is unknown, buffers are what the engine may have to wait for a processor: 16384 at 300,000 packets a second are 50 ms.
BUFFERS = "buffers = 65536\n"


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("rate_pps", [1000, 300_000])
def test_a_numbered_flow_whose_answer_is_published_meanwhile_arrives_whole_and_in_order(
    host_lab, start_pfild, rate_pps, direction
):
    daemon = start_pfild(host_lab.fw, config=BUFFERS)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:telnet", "tcp dst port 23")
    sender, receiver = (host_lab.cli, host_lab.fw) if direction == "in" else (host_lab.fw, host_lab.cli)
    for _ in range(5):
        daemon.bpfctl("flows", "flush")
        result = UdpFlow(sender, receiver, receiver.eth0.ipv4, rate_pps=rate_pps, count=rate_pps // 2).finish()
        assert_clean(result, daemon, *host_lab.hosts())
    lane = daemon.bpfctl.json("stats")["interfaces"]["eth0"][direction]
    assert lane["passed_known"] > 5 * rate_pps // 4, lane
    assert_ends_well(daemon)


def test_20_changes_a_second_under_200_kpps_and_a_tcp_stream_send_nothing_to_userspace_and_lose_nothing(
    host_lab, start_pfild, serve_http
):
    daemon = start_pfild(host_lab.fw, config=BUFFERS)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:telnet", "tcp dst port 23")
    add_hook(daemon, "cbpf:other", "udp port 7")
    server = serve_http(host_lab.fw)
    # Makes content and digest, which both ends then have: the flow needs the processors.
    assert server.download(host_lab.cli, "192.0.2.2", MEGABYTES_100).ok
    transfers = []

    def stream():
        while not done.is_set():
            transfers.append(server.download(host_lab.cli, "192.0.2.2", MEGABYTES_100))

    done = threading.Event()
    downloads = threading.Thread(target=stream, daemon=True)
    link = {"hook": "cbpf:other", "head": "inet", "directions": ["in", "out"]}
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=200_000, count=10_000_000)
    downloads.start()
    assert wait_until(lambda: known(daemon) > 10_000)
    at_start = received(daemon)  # both flows are known; what comes up from here on was sent up by a change, or is a new connection
    with Control(daemon.name) as control:
        for _ in range(50):
            for verb in ("link", "unlink"):
                assert control.call(verb, link)["ok"]
                time.sleep(0.05)
    assert flow.running()
    result = flow.finish(early=True)
    done.set()
    downloads.join()
    lanes = daemon.bpfctl.json("stats")["interfaces"]["eth0"]
    assert_clean(result, daemon, *host_lab.hosts())
    assert transfers and all(one.ok for one in transfers), transfers
    assert received(daemon) - at_start < 50 + 10 * len(transfers), (at_start, len(transfers), lanes)
    assert_ends_well(daemon)
