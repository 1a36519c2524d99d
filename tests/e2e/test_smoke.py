# SPDX-License-Identifier: BSD-2-Clause
"""One pass over everything the daemon does, short enough for the builds with sanitizers, which run this file only."""
from harness.flow import send_and_judge
from harness.judges import assert_balanced
from harness.ping import ping


def test_a_daemon_that_attaches_filters_changes_reloads_and_detaches_has_nothing_to_hide(host_lab, start_pfild, tmp_path):
    bytecode = tmp_path / "all.bpf"
    bytecode.write_text("1\n6 0 0 65535\n")
    configuration = (
        f'[[hook]]\nname = "cbpf:all"\ntype = "ethernet"\non_match = "count"\nbytecode = "{bytecode}"\n'
        '[[link]]\nhook = "cbpf:all"\nhead = "ethernet"\ndirections = ["in", "out"]\n'
    )
    daemon = start_pfild(host_lab.fw, config=configuration)
    address = host_lab.fw.eth0.ipv4
    daemon.bpfctl("attach", "eth0", "--unknown", "drop")
    daemon.bpfctl("hook", "add", "cbpf:no-dns", "--type", "inet", "--filter", "udp dst port 53", "--on-match", "drop")
    daemon.bpfctl("link", "-i", "cbpf:no-dns", "inet")
    assert ping(host_lab.cli, address, count=200, interval_ms=5).lost == 0
    assert ping(host_lab.cli, host_lab.fw.eth0.ipv6, count=50, interval_ms=5).lost == 0
    assert send_and_judge(host_lab.cli, host_lab.fw, address, rate_pps=2000, count=4000, size_bytes=1400).lost == 0
    blocked = send_and_judge(host_lab.cli, host_lab.fw, address, rate_pps=1000, count=500, port=53)
    assert (blocked.sent, blocked.received) == (500, 0)
    for _ in range(20):
        daemon.bpfctl("unlink", "-i", "cbpf:no-dns", "inet")
        daemon.bpfctl("link", "-i", "-a", "cbpf:no-dns", "inet")
    daemon.bpfctl.refused("attach", "eth0")
    daemon.reload()
    assert daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]["engine_dropped"] == 500
    assert_balanced(daemon)

    daemon.kill9()
    daemon.start()
    assert {hook["name"] for hook in daemon.bpfctl.json("hooks")["hooks"]} == {"cbpf:all", "cbpf:no-dns"}
    assert daemon.bpfctl.json("status")["interfaces"][0]["unknown"] == "drop", "and it is attached as it was"
    assert ping(host_lab.cli, address, count=50, interval_ms=5).lost == 0
    daemon.bpfctl("detach", "eth0")
    assert daemon.stop() == 0, daemon.log
    assert daemon.left_behind() == []
    assert not [word for word in ("ERROR: ", "WARNING: ThreadSanitizer", "runtime error") if word in daemon.log], daemon.log
