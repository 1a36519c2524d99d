# SPDX-License-Identifier: BSD-2-Clause
"""What a hook does is what its expression means, whatever libpcap's optimiser makes of it: it forgets the second exception of
`not ((host A or host B) and icmp) and not (host A or host C)`. And what bpfctl says of how a program came about."""
import json

import pytest
from scapy.all import ICMP, IP, TCP, UDP, Ether, wrpcap

from harness.bpfctl import Bpfctl
from harness.control import Control
from harness.frames import FramePort
from harness.judges import assert_ends_well, wait_until
from harness.meter import Meter
from harness.programs import program
from harness.rules import counted, guard

COUNT = 10  # of each kind
A, B, C, D = "192.0.2.9", "192.0.2.3", "192.0.2.1", "192.0.2.7"  # sources; C is cli
PROTOCOLS = {"icmp": ICMP(type=0), "tcp": TCP(sport=99, dport=99, flags="R"), "udp": UDP(sport=99, dport=53)}
KINDS = {f"{who}_{protocol}": (source, protocol) for who, source in zip("ABCD", (A, B, C, D)) for protocol in PROTOCOLS}

# what it is; expression; does it match a packet of this source and protocol?
FORGOTTEN = [
    ("icmp", f"not ((host {A} or host {B}) and icmp) and not (host {A} or host {C})",
     lambda source, protocol: not (source in (A, B) and protocol == "icmp") and source not in (A, C)),
    ("udp", f"not ((host {A} or host {B}) and udp) and not (host {A} or host {C})",
     lambda source, protocol: not (source in (A, B) and protocol == "udp") and source not in (A, C)),
    ("three", f"not ((host {A} or host {B}) and tcp) and not (host {A} or host {C} or host 203.0.113.9)",
     lambda source, protocol: not (source in (A, B) and protocol == "tcp") and source not in (A, C)),
]  # fmt: skip
PLAIN = "tcp dst port 23"


def send(host, receiver):
    """COUNT packets of each kind, all to the receiver."""
    link = Ether(src=host.eth0.mac, dst=receiver.eth0.mac)
    with FramePort(host) as port:
        for source, protocol in KINDS.values():
            port.send(*[link / IP(src=source, dst=receiver.eth0.ipv4) / PROTOCOLS[protocol]] * COUNT)


@pytest.fixture
def silent_lab(host_lab):
    """fw answers nobody."""
    rules = "add table inet mute\nadd chain inet mute in { type filter hook input priority 0; policy drop; }\n"
    host_lab.fw.run("nft", "-f", "-", stdin=rules)
    return host_lab


@pytest.mark.parametrize(("kind", "run"), [("inet", "engine"), ("inet", "kernel"), ("ethernet", "engine")])
@pytest.mark.parametrize("which", [row[0] for row in FORGOTTEN])
def test_a_hook_drops_exactly_what_its_expression_means(silent_lab, start_pfild, which, kind, run):
    _, expression, matches = next(row for row in FORGOTTEN if row[0] == which)
    daemon = start_pfild(silent_lab.fw, options=("--no-cache",))
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:exceptions", expression, kind, direction="i", run=run)
    arriving = Meter(silent_lab.fw, {
        name: f"ip saddr {source} ip protocol {protocol}" for name, (source, protocol) in KINDS.items()
    })  # fmt: skip
    send(silent_lab.cli, silent_lab.fw)
    expected = {name: 0 if matches(*packet) else COUNT for name, packet in KINDS.items()}
    dropped = COUNT * sum(matches(*packet) for packet in KINDS.values())
    wait_until(lambda: arriving.counts() == expected and counted(daemon, "cbpf:exceptions")["dropped"] >= dropped, timeout_s=5)
    assert arriving.counts() == expected
    assert_ends_well(daemon)


@pytest.mark.parametrize("which", [row[0] for row in FORGOTTEN])
def test_a_filter_run_finds_exactly_what_its_expression_means(tmp_path, which):
    _, expression, matches = next(row for row in FORGOTTEN if row[0] == which)
    packets = [Ether() / IP(src=source, dst="192.0.2.2") / PROTOCOLS[protocol] for source, protocol in KINDS.values()]
    wrpcap(str(tmp_path / "packets.pcap"), packets)
    found = Bpfctl("nobody-runs-here").json("filter", "run", tmp_path / "packets.pcap", expression)["indices"]
    assert found == [index for index, packet in enumerate(KINDS.values(), 1) if matches(*packet)]


def test_bpfctl_says_how_a_program_came_about(host_lab, start_pfild, tmp_path):
    bpfctl = start_pfild(host_lab.fw).bpfctl
    add = ("hook", "add", "cbpf:a", "--on-match", "drop", "--type", "inet")
    told = bpfctl(*add, "--filter", PLAIN)
    assert "\nCompiled: optimiser of libpcap proved equal\n" in told
    assert bpfctl.hook("cbpf:a")["compiled"] == "optimised"
    assert "unverified" not in bpfctl("hooks")
    bpfctl("hook", "delete", "cbpf:a")

    told = bpfctl(*add, "--filter", FORGOTTEN[0][1])
    made = bpfctl.hook("cbpf:a")
    plain = len(bpfctl.json("filter", "compile", "-y", "inet", "-O", FORGOTTEN[0][1])["instructions"])
    assert made["compiled"] == "reduced"
    reason = f"unoptimised one, reduced by pfild from {plain} to {made['instructions']} instructions"
    assert f"\nCompiled: optimiser of libpcap gives another program;\n          {reason}\n" in told
    assert all(len(line) <= 80 for line in told.splitlines())
    bpfctl("hook", "delete", "cbpf:a")

    answer = bpfctl.json(*add, "--filter", FORGOTTEN[0][1])
    assert answer["compiled"] == answer["compiled_by"]["how"] == "reduced"
    assert answer["compiled_by"]["because"] == f"optimiser of libpcap gives another program; {reason}"
    assert answer["compiled_by"]["unoptimised_instructions"] == plain
    explained = bpfctl.json("filter", "explain", "-y", "inet", FORGOTTEN[0][1])
    assert explained["compiled_by"] == answer["compiled_by"]
    assert explained["instructions"] == bpfctl.json("filter", "show", "--hook", "cbpf:a")["program"]
    bpfctl("hook", "delete", "cbpf:a")

    (tmp_path / "telnet.bpf").write_text(bpfctl("filter", "compile", "-ddd", "-y", "inet", PLAIN))
    bpfctl(*add, "--bytecode", tmp_path / "telnet.bpf")
    assert bpfctl.hook("cbpf:a")["compiled"] == "unverified"
    assert "instructions, unverified)" in bpfctl("hooks")


def test_text_that_nobody_connects_with_its_program_is_unverified_and_what_is_said_survives_a_crash(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    bytecode = daemon.bpfctl.json("filter", "compile", "-y", "inet", PLAIN)["instructions"]
    hook = {"type": "inet", "on_match": "count", "program": bytecode, "dlt": 12}
    for name, more in {
        "cbpf:said": {"filter": PLAIN, "compiled": "reduced"},
        "cbpf:text": {"filter": PLAIN},
        "cbpf:bare": {"filter": None, "compiled": "optimised"},
    }.items():  # fmt: skip
        with Control(daemon.name) as control:
            assert control.call("hook-add", {**hook, "name": name, **more})["ok"], name
    right = {"cbpf:said": "reduced", "cbpf:text": "unverified", "cbpf:bare": "unverified"}
    compiled = lambda: {one["name"]: one["compiled"] for one in daemon.bpfctl.json("hooks")["hooks"]}  # noqa: E731
    assert compiled() == right
    assert f"{PLAIN} (unverified)" in daemon.bpfctl("hooks")
    daemon.kill9()
    daemon.start()
    assert {one["name"]: one["compiled"] for one in daemon.bpfctl.json("hooks")["hooks"]} == right


def test_a_capture_keeps_exactly_what_its_expression_means(silent_lab, start_pfild):
    daemon = start_pfild(silent_lab.fw)
    daemon.bpfctl("attach", "eth0")
    _, expression, matches = FORGOTTEN[0]
    wanted = sorted((source, protocol) for source, protocol in KINDS.values() if matches(source, protocol)) * COUNT
    capture = daemon.host.popen(
        program("bpfctl"), "-N", daemon.name, "--json", "capture", "eth0", "-c", len(wanted), f"ip and ({expression})"
    )
    assert wait_until(lambda: any(device["waits"] for device in daemon.bpfctl.json("peers")["devices"]))
    send(silent_lab.cli, silent_lab.fw)
    assert capture.wait(20) == 0, capture.stderr
    lines = [json.loads(line) for line in capture.stdout.splitlines()]
    frames = [Ether(bytes.fromhex(line["data"])) for line in lines if "data" in line]
    names = {number: name for name, number in (("icmp", 1), ("tcp", 6), ("udp", 17))}
    assert sorted((frame[IP].src, names[frame[IP].proto]) for frame in frames) == sorted(wanted)
