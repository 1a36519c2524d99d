# SPDX-License-Identifier: BSD-2-Clause
"""`bpfctl filter` beside tcpdump: the same programs to the byte, the same packets of the same files. No daemon runs but for the one that
holds hooks."""
import functools
import json
import os
import struct
import subprocess
from concurrent import futures

import pytest

from harness.bpfctl import Bpfctl
from harness.programs import program as harness_program

bpfctl = Bpfctl("nobody-runs-here")

EXPRESSIONS = (
    "ip", "ip6", "arp", "tcp", "udp", "icmp", "icmp6", "sctp", "port 53", "tcp dst port 443", "udp src port 1024",
    "portrange 6000-6063", "host 192.0.2.1", "src host 192.0.2.1 and not dst port 22", "net 198.51.100.0/24",
    "ip6 host 2001:db8::1", "src net 2001:db8::/32", "tcp[tcpflags] & tcp-syn != 0",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn and dst port 23", "icmp[icmptype] = icmp-echo", "ip[2:2] % 3 = 1",
    "ip[0] ^ 3 = 1", "ip[2:2] = ip[4:2]", "ip[0] >> 2 << 1 | 2 + 3 - 1 * 7 / 2 = 4", "len > 100", "greater 60 and less 1000",
    "ip6 protochain 6", "ip multicast", "ip[ip[0] & 0xf] = 4", "udp[4:2] > 100 or tcp[4:4] > 0x7fffffff", "ip proto 47",
    " or ".join(f"host 192.0.2.{host}" for host in range(1, 31)),
)
ETHERNET_ONLY = ("ether host 00:00:5e:00:53:01", "vlan", "vlan 5 and ip", "vlan and vlan 7 and tcp port 80", "ether multicast",
                 "ether proto 0x88cc", "mpls", "pppoes and ip", "stp", "llc")
LINK_TYPES = ("EN10MB", "RAW", "LINUX_SLL", "LINUX_SLL2", "NULL", "PPP", "LOOP", "IPV4", "IEEE802_11")


def tcpdump(*arguments, stdin=None):
    done = subprocess.run(["tcpdump", "-n", *arguments], input=stdin, capture_output=True, timeout=30, check=False)
    return done.returncode, done.stdout


def compared(link_type, expression):
    """How many programs are the same; fails at one that is not."""
    compiled = 0
    for form in ("-d", "-dd", "-ddd"):
        for options in ((), ("-O",), ("-s", "96")):
            code, theirs = tcpdump("-y", link_type, *options, form, expression)
            done = bpfctl.run("filter", "compile", "-y", link_type, *options, form, expression)
            assert (done.returncode == 0) == (code == 0), f"{link_type} {options} {expression}: {done.stderr}"
            assert done.stdout == theirs.decode(), f"{link_type} {options} {form} {expression}"
            compiled += code == 0
    return compiled


@pytest.mark.parametrize("link_type", LINK_TYPES)
def test_programs_are_those_of_tcpdump_to_the_byte(link_type):
    expressions = (*EXPRESSIONS, *(ETHERNET_ONLY if link_type == "EN10MB" else ()))
    with futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        assert sum(pool.map(functools.partial(compared, link_type), expressions)) > 9 * 20


@pytest.mark.parametrize("form", ("-d", "-dd", "-ddd"))
def test_what_tcpdump_prints_comes_back_as_it_was(form):
    for expression in (*EXPRESSIONS, *ETHERNET_ONLY):
        text = tcpdump("-y", "EN10MB", form, expression)[1].decode()
        assert bpfctl.run("filter", "show", form, "-", stdin=text).stdout.split("; ")[0] == text, expression


def ipv4(protocol, port, source=1):
    header = bytes((0x45, 0, 0, 28, 0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, source, 198, 51, 100, 7))
    return header + struct.pack("!HHHH", 4000, port, 8, 0)


def frames():
    ethernet = bytes.fromhex("00005e0053020000 5e005301".replace(" ", ""))
    packets = [ipv4(protocol, port, source) for protocol in (1, 6, 17) for port in (22, 53, 443) for source in (1, 2)]
    packets.append(ipv4(6, 443)[:23])  # cut behind the IP header
    tagged = ethernet + bytes((0x81, 0, 0, 5, 8, 0)) + ipv4(6, 443)
    return [ethernet + b"\x08\x00" + packet for packet in packets] + [tagged]


def pcap(frames):
    records = (struct.pack("<IIII", 1, 2, len(frame), len(frame)) + frame for frame in frames)
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1) + b"".join(records)


def pcapng(frames):
    def block(kind, body):
        padded = body + bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(padded) + 12) + padded + struct.pack("<I", len(padded) + 12)

    blocks = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, struct.pack("<HHI", 1, 0, 262144))]
    blocks += [block(6, struct.pack("<IIIII", 0, 0, 1, len(frame), len(frame)) + frame) for frame in frames]
    return b"".join(blocks)


def indices_by_tcpdump(path, expression):
    """tcpdump does not number packets; their times do."""
    return len(tcpdump("-r", path, expression)[1].splitlines())


@pytest.mark.parametrize("engine", ("interpreter", "native", "batch"))
@pytest.mark.parametrize("write", (pcap, pcapng))
def test_the_packets_that_match_are_those_of_tcpdump(tmp_path, write, engine):
    path = tmp_path / "packets"
    path.write_bytes(write(frames()))
    for expression in ("tcp", "udp port 53", "src host 192.0.2.2 and not icmp", "vlan 5", "tcp dst port 443", "ip6", "less 50"):
        found = bpfctl.json("filter", "run", path, "--engine", engine, expression)
        assert found["packets"] == 20 and found["engine"] == engine
        assert found["matches"] == len(found["indices"]) == indices_by_tcpdump(path, expression), expression
        alone = tmp_path / "alone"
        for index, frame in enumerate(frames(), 1):
            alone.write_bytes(pcap([frame]))
            assert (indices_by_tcpdump(alone, expression) == 1) == (index in found["indices"]), f"{expression}: packet {index}"


def test_bytecode_from_tcpdump_finds_what_its_expression_finds(tmp_path):
    path, bytecode = tmp_path / "packets", tmp_path / "bytecode"
    path.write_bytes(pcap(frames()))
    for form in ("-d", "-dd", "-ddd"):
        bytecode.write_bytes(tcpdump("-y", "EN10MB", form, "tcp dst port 443")[1])
        by_bytecode = bpfctl.json("filter", "run", path, "--bytecode", bytecode)
        assert by_bytecode == bpfctl.json("filter", "run", path, "tcp dst port 443")
    bytecode.write_bytes(tcpdump("-y", "RAW", "-d", "tcp dst port 443")[1])
    refused = bpfctl.refused("filter", "run", path, "--bytecode", bytecode)
    assert refused.exit_code == 1 and "meant for IP packets" in refused.line


def test_a_file_that_ends_early_is_refused_and_nothing_is_printed(tmp_path):
    path = tmp_path / "packets"
    whole = pcap(frames())
    for length in (0, 3, 24 + 7, len(whole) - 1):
        path.write_bytes(whole[:length])
        done = bpfctl.run("--json", "filter", "run", path, "tcp")
        assert (done.returncode, done.stdout) == (1, ""), length
        assert "truncated" in json.loads(done.stderr)["error"]["why"], length


def test_packets_and_bytecode_can_come_through_a_pipe(tmp_path):
    path = tmp_path / "packets"
    path.write_bytes(pcap(frames()))
    program = bpfctl("filter", "compile", "-dd", "udp")
    done = bpfctl.run("filter", "run", path, "-c", "--bytecode", "-", stdin=program)
    assert done.stdout.startswith(f"{path}: 6 of 20 packets match")
    piped = subprocess.run(
        [harness_program("bpfctl"), "filter", "run", "-", "udp"], input=path.read_bytes(), capture_output=True, check=True, timeout=10
    )
    assert piped.stdout.startswith(b"-: 6 of 20 packets match (Ethernet, engine native)\n  ")


def test_the_program_of_a_hook_is_shown_as_it_was_given(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    bytecode = tmp_path / "bytecode"
    for form in ("-d", "-dd", "-ddd"):
        given = bpfctl("filter", "compile", "-y", "inet", form, "udp dst port 53")
        bytecode.write_text(given)
        name = f"cbpf:dns{form}"
        daemon.bpfctl("hook", "add", name, "--bytecode", bytecode, "--on-match", "count", "--type", "inet")
        assert daemon.bpfctl("filter", "show", form, "--hook", name) == given
        shown = daemon.bpfctl.json("filter", "show", "--hook", name)
        assert (shown["name"], shown["filter"], len(shown["program"])) == (name, None, shown["instructions"])
    refused = daemon.bpfctl.refused("filter", "show", "--hook", "cbpf:nobody")
    assert (refused.exit_code, refused.line) == (1, "bpfctl: show hook cbpf:nobody: no such hook (`bpfctl hooks` lists them)")
    assert daemon.stop() == 0, daemon.log


def test_an_explanation_can_be_assembled_again():
    for expression in EXPRESSIONS:
        if "protochain" in expression:
            continue
        listing = bpfctl("filter", "explain", expression).split("\n\n")[1]
        made = bpfctl.json("filter", "explain", expression)["instructions"]
        decimal = "".join(f"{' '.join(map(str, row))}\n" for row in ([len(made)], *made))
        assert bpfctl.run("filter", "show", "-ddd", "-", stdin=listing).stdout == decimal \
            or "tax" in listing  # libpcap leaves numbers in fields that tax does not use
