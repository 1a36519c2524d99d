# SPDX-License-Identifier: BSD-2-Clause
"""The tools of the harness, without pfild: what they report as fine is fine, and what is broken on purpose they notice."""
import dataclasses
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from scapy.all import ICMP, IP, TCP, UDP, Dot1AD, Dot1Q, Ether, Raw

from harness import cleanup, lab
from harness.flow import FlowResult, UdpFlow, send_and_judge
from harness.frames import FramePort
from harness.judges import wait_until
from harness.ping import ping
from harness.programs import HARNESS


def drop_in_kernel(host, rule):
    """Lets nftables lose packets, to see whether it is noticed."""
    chain = "chain inet lossy prerouting { type filter hook prerouting priority 0; }"
    host.run("nft", "-f", "-", stdin=f"add table inet lossy\nadd {chain}\nadd rule inet lossy prerouting {rule}\n")


def ends_within(pid, seconds):
    """A killed orphan is there until its new parent looks after it; as a zombie it counts as ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # before or while it was read
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("address", ["192.0.2.2", "2001:db8:1::2"])
def test_a_flow_of_100_kpps_through_veth_is_complete_and_in_order(host_lab, address):
    result = send_and_judge(host_lab.cli, host_lab.fw, address, rate_pps=100_000, count=200_000)
    assert result.clean(), result
    assert 60_000 < result.rate_pps < 101_000  # 100,000 unless others use the processors too


def test_a_flow_that_loses_every_second_packet_says_which(host_lab):
    drop_in_kernel(host_lab.fw, "udp dport 9000 numgen inc mod 2 == 1 drop")
    result = send_and_judge(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=10_000, count=1000)
    assert (result.sent, result.received, result.lost, result.duplicated) == (1000, 500, 500, 0)
    assert result.missing[:2] == [[1, 1], [3, 3]]
    assert not result.clean()


def test_a_flow_that_is_wholly_lost_is_not_clean(host_lab):
    drop_in_kernel(host_lab.fw, "udp dport 9000 drop")
    result = send_and_judge(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=10_000, count=100)
    assert (result.lost, result.missing) == (100, [[0, 99]])
    assert not result.clean()


def test_what_the_senders_interface_has_dropped_is_not_lost_behind_it():
    flow = FlowResult(10, 1.0, 8, 0, 0, [[3, 4]], {}, sender_dropped=2)
    assert flow.clean_behind_sender() and not flow.clean()
    for other in ({"sender_dropped": 1}, {"duplicated": 1}, {"out_of_order": 1}, {"sender_dropped": 10, "received": 0}):
        assert not dataclasses.replace(flow, **other).clean_behind_sender(), other


def test_duplicated_and_overtaking_packets_are_counted(host_lab):
    # Packets captured from a true flow of three come again in another order.
    with FramePort(host_lab.cli) as port:
        flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=10, count=20)
        first = port.receive_outgoing(lambda packet: UDP in packet and packet[UDP].dport == 9000, count=3)
        numbers = [bytes(seen.packet[UDP].payload) for seen in first]
        assert len(numbers) == 3
        later = numbers[0][:8] + (19).to_bytes(8, "little") + numbers[0][16:]
        head = Ether(dst=host_lab.fw.eth0.mac) / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=1, dport=9000)
        port.send(head / Raw(numbers[0]), head / Raw(later))
        result = flow.finish()
    assert (result.received, result.lost) == (20, 0)
    assert result.duplicated == 2  # number 0 twice, and number 19 when its original came
    assert result.out_of_order >= 1


def test_a_flow_that_is_ended_early_is_judged_by_what_was_sent(host_lab):
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=1000, count=1_000_000)
    came = host_lab.fw.counter("rx_packets")
    assert wait_until(lambda: host_lab.fw.counter("rx_packets") > came + 200)
    result = flow.finish(early=True)
    assert 100 < result.sent <= 1000 * result.seconds + 1
    assert result.clean(), result


def test_ping_counts_what_is_lost(host_lab):
    whole = ping(host_lab.cli, "192.0.2.2", count=100)
    assert (whole.sent, whole.lost, whole.duplicates) == (100, 0, 0)
    assert 0 < whole.rtt_avg_ms <= whole.rtt_max_ms
    drop_in_kernel(host_lab.fw, "icmp type echo-request numgen inc mod 4 == 0 drop")
    assert ping(host_lab.cli, "192.0.2.2", count=100).lost == 25


@pytest.mark.parametrize("address", ["192.0.2.2", "2001:db8:1::2"])
def test_transfers_in_both_directions_have_the_right_digest(host_lab, serve_http, address):
    server = serve_http(host_lab.fw)
    assert server.download(host_lab.cli, address, 10_000_000).ok
    assert server.upload(host_lab.cli, address, 10_000_000).ok


def test_a_transfer_to_a_blocked_port_fails_with_the_words_of_curl(host_lab, serve_http):
    drop_in_kernel(host_lab.fw, "tcp dport 8080 reject with tcp reset")
    blocked = serve_http(host_lab.fw).download(host_lab.cli, "192.0.2.2", 1000)
    assert not blocked.ok
    assert "refused" in blocked.error or "connect" in blocked.error


TAGGED = [
    ("no tag", lambda frame: Ether(**frame)),
    ("802.1Q", lambda frame: Ether(**frame) / Dot1Q(vlan=5, prio=3)),
    ("802.1ad", lambda frame: Ether(**frame) / Dot1AD(vlan=6)),
    ("double", lambda frame: Ether(**frame) / Dot1AD(vlan=6) / Dot1Q(vlan=7, prio=1)),
]


@pytest.mark.parametrize("name, link_layer", TAGGED, ids=[name for name, _ in TAGGED])
def test_frames_arrive_byte_for_byte_with_all_their_tags(host_lab, name, link_layer):
    sent = link_layer({"src": "02:00:00:00:01:01", "dst": "02:00:00:00:01:02"})
    sent = bytes(sent / IP(src="192.0.2.9", dst="192.0.2.10") / UDP(dport=7) / Raw(b"pfild " + name.encode()))
    with FramePort(host_lab.cli) as cli, FramePort(host_lab.fw) as fw:
        cli.send(sent)
        arrived = fw.receive(lambda packet: b"pfild" in bytes(packet))
        assert [seen.bytes for seen in arrived] == [sent]
        assert arrived[0].tag_in_metadata == (name != "no tag")
        assert fw.receive(lambda packet: TCP in packet or ICMP in packet, timeout_s=0.2) == []


def test_a_process_in_a_host_says_why_it_failed(host_lab):
    with pytest.raises(AssertionError, match="No such file"):
        host_lab.cli.run("ls", "/no/such/thing")
    assert host_lab.cli.run("false", check=False).returncode == 1


def test_a_session_that_is_killed_leaves_processes_dead_and_its_lab_to_the_next(tmp_path):
    session = tmp_path / "session.py"
    session.write_text(
        f"import sys; sys.path.insert(0, {str(HARNESS.parent)!r})\n"
        "from harness import cleanup, lab\n"
        "cleanup.install()\n"
        "made = lab.Lab()\n"
        "print(made.name, made.cli.popen('sleep', '60').pid, flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    for number, lab_stays in ((signal.SIGTERM, False), (signal.SIGKILL, True)):
        process = subprocess.Popen([sys.executable, "-B", session], stdout=subprocess.PIPE, text=True)
        name, pid = process.stdout.readline().split()
        process.send_signal(number)
        process.wait(30)
        process.stdout.close()
        assert (name in lab.lab_names()) == lab_stays
        lab.remove_abandoned()
        assert name not in lab.lab_names()
        assert ends_within(pid, 5)


def test_an_undoing_that_fails_does_not_keep_the_others_from_running(capsys):
    done = []
    saved, cleanup._undoings = cleanup._undoings, {}
    try:
        cleanup.register(lambda: done.append("first"))
        cleanup.register(lambda: 1 / 0)
        cleanup.run_all()
    finally:
        cleanup._undoings = saved
    assert done == ["first"]
    assert "division by zero" in capsys.readouterr().err
