# SPDX-License-Identifier: BSD-2-Clause
"""What must not work is refused in one clear line with the right exit code, and what happens to interfaces and ports behind
pfild's back is noticed; the daemon is unharmed by either: it still filters."""
import contextlib
import json
import random
import socket
import time

import pytest

from harness.control import Control, socket_path
from harness.judges import assert_ends_well, heads, wait_until
from harness.ping import ping, unanswered
from harness.programs import program
from harness.rules import counted, guard

REPAIRED_WITHIN_S = 2.0  # a second, and the time a busy machine takes to show it


@pytest.fixture
def guarded(host_lab, start_pfild):
    """eth0 attached; pings go through the engine, telnet is dropped."""
    # Heads on clsact are the ones that others can break; with no flow known every ping goes through the engine.
    daemon = start_pfild(host_lab.fw, config='tc_attach = "clsact"\n', options=("--no-cache",))
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:telnet", "tcp dst port 23")
    daemon.lab = host_lab
    return daemon


def still_filters(daemon):
    """ping passes through the engine, and a hook that blocks it does."""
    client = daemon.lab.cli
    before = daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]["engine_received"]
    assert ping(client, "192.0.2.2", count=10).lost == 0
    assert daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]["engine_received"] >= before + 10
    guard(daemon, "cbpf:check", "icmp")
    assert unanswered(client, "192.0.2.2", count=5)
    assert wait_until(lambda: counted(daemon, "cbpf:check")["dropped"] == 5)
    daemon.bpfctl("hook", "delete", "cbpf:check")
    return True


HOOK = ["hook", "add", "cbpf:x", "--on-match", "drop", "--type"]
CODE = [*HOOK, "inet", "--bytecode", "-"]
TCP_DROP = ["--on-match", "drop", "--type", "inet", "--filter", "tcp"]
PAST_THE_END = "instruction 0 (tax, 0x07): the program runs past its last instruction (CF-05)"
LONG = "x" * 64

# what it is; words for bpfctl; stdin; exit code; what its one line says
REFUSED = [
    ("an interface that is not there", ["attach", "nosuch0"], "", 1, "attach nosuch0: no such interface"),
    ("an interface that is attached", ["attach", "eth0"], "", 1, "attach eth0: it is already attached"),
    ("the loopback interface", ["attach", "lo"], "", 1, "attach lo: it is the loopback interface"),
    ("a tunnel without MAC header", ["attach", "tun0"], "", 1, "attach tun0: it is a tunnel without link header"),
    ("of a port pair of pfild", ["attach", "PORT"], "", 1, "it is of a port pair of pfild itself"),
    ("detach of what is not attached", ["detach", "lo"], "", 1, "detach lo: it is not attached"),
    ("a name that no interface can have", ["attach", "eth0/../x"], "", 1, "eth0/../x"),
    ("a policy for unknown packets that is none", ["attach", "lo", "--unknown", "maybe"], "", 2, "--unknown"),
    ("no interface", ["attach"], "", 2, "IFACE is missing"),
    ("two interfaces", ["attach", "eth0", "eth1"], "", 2, "eth1"),
    ("a typo in an expression", [*HOOK, "inet", "--filter", "tcp dsst port 23"], "", 1, "can't parse filter expression"),
    ("an empty expression", [*HOOK, "inet", "--filter", " "], "", 1, "empty"),
    ("a host by name", [*HOOK, "inet", "--filter", "host gate.example"], "", 1, "unknown host 'gate.example'"),
    ("a link-layer expression for IP", [*HOOK, "inet", "--filter", "ether src 02:00:00:00:00:01"], "", 1, "--type ethernet"),
    ("an expression and bytecode", [*HOOK, "inet", "--filter", "tcp", "--bytecode", "-"], "", 2, "--bytecode"),
    ("neither expression nor bytecode", [*HOOK, "inet"], "", 2, "--filter"),
    ("bytecode without end", CODE, "1\n7 0 0 0\n", 1, PAST_THE_END),
    ("bytecode that stores outside", CODE, "2\n2 0 0 77\n6 0 0 1\n", 1, "instruction 0 (st M[77], 0x02)"),
    ("bytecode that divides by zero", CODE, "2\n52 0 0 0\n6 0 0 1\n", 1, "instruction 0"),
    ("bytecode that jumps out", CODE, "2\n21 9 0 0\n6 0 0 1\n", 1, "instruction 0"),
    ("an operation that is none", CODE, "2\n65535 0 0 0\n6 0 0 1\n", 1, "instruction 0"),
    ("fewer instructions than announced", CODE, "3\n6 0 0 1\n", 1, "only 1 of the announced 3"),
    ("bytecode that is text", CODE, "hello\n", 1, "line 1"),
    ("bytecode that is empty", CODE, "", 1, "bytecode"),
    ("bytecode that is not there", [*HOOK, "inet", "--bytecode", "/no/such/file"], "", 1, "/no/such/file: No such file"),
    ("a type that is none", [*HOOK, "inet7", "--filter", "tcp"], "", 2, "--type"),
    ("a name without module", ["hook", "add", "x", *TCP_DROP], "", 2, "MODULE:NAME"),
    ("a name that is too long", ["hook", "add", f"cbpf:{LONG}", *TCP_DROP], "", 1, "63"),
    ("a name that is taken", ["hook", "add", "cbpf:telnet", *TCP_DROP], "", 1, "cbpf:telnet"),
    ("a hook that is not there", ["link", "-i", "cbpf:none", "inet"], "", 1, "cbpf:none"),
    ("a head that is not there", ["link", "-i", "cbpf:telnet", "eth7"], "", 1, "eth7"),
    ("a head of another type", ["link", "-i", "cbpf:telnet", "eth0"], "", 1, "it has type inet, head eth0 has type ethernet"),
    ("a link that is there", ["link", "-i", "cbpf:telnet", "inet"], "", 1, "already linked"),
    ("a link without direction", ["link", "cbpf:telnet", "inet"], "", 2, "no direction"),
    ("an unlink of what is not linked", ["unlink", "-i", "cbpf:telnet", "inet6"], "", 1, "cbpf:telnet"),
    ("a deletion of what is not there", ["hook", "delete", "cbpf:none"], "", 1, "cbpf:none"),
    ("no verb", [], "", 2, "verb: there is none"),
    ("a verb that is none", ["fly"], "", 2, "verb 'fly': there is no such verb"),
    ("a verb that is ambiguous", ["sta"], "", 2, "ambiguous: status, stats"),
    ("an option that is none", ["status", "--fast"], "", 2, "--fast"),
]  # fmt: skip


def test_what_must_not_work_is_refused_in_one_line_with_the_right_exit_code(guarded):
    guarded.lab.fw.run("ip", "tuntap", "add", "dev", "tun0", "mode", "tun")
    port = guarded.bpfctl.interface("eth0")["port_pair"]["p"]
    before = guarded.bpfctl.json("heads"), [hook["name"] for hook in guarded.bpfctl.json("hooks")["hooks"]]
    wrong = []
    for what, words, stdin, code, says in REFUSED:
        done = guarded.bpfctl.run(*[port if word == "PORT" else word for word in words], stdin=stdin)
        fine = done.returncode == code and done.stdout == "" and done.stderr.count("\n") == 1 and says in done.stderr
        if not fine or not done.stderr.startswith("bpfctl: "):
            wrong.append((what, code, says, done.returncode, done.stdout, done.stderr))
    assert wrong == []
    assert (guarded.bpfctl.json("heads"), [hook["name"] for hook in guarded.bpfctl.json("hooks")["hooks"]]) == before
    assert still_filters(guarded)
    assert_ends_well(guarded)


def test_the_same_refusals_as_json_are_objects_with_errno_what_why_and_the_same_exit_code(guarded):
    wrong = []
    for what, words, stdin, code, _ in REFUSED:
        if "tun0" in words or "PORT" in words:
            continue
        done = guarded.bpfctl.run("--json", *words, stdin=stdin)
        try:
            error = json.loads(done.stderr or done.stdout)["error"]
            fine = done.returncode == code and error["errno"].startswith("E") and error["what"] and error["why"]
        except (ValueError, KeyError):
            fine = False
        if not fine:
            wrong.append((what, done.returncode, done.stdout, done.stderr))
    assert wrong == []


def test_a_host_by_name_asks_nobody(guarded, tmp_path):
    """The machine is made to have a resolver that would be asked, and records who does."""
    fw = guarded.lab.fw
    words = [*HOOK, "inet", "--filter", "host gate.example"]
    log = tmp_path / "strace"
    fw.run("strace", "-f", "-e", "trace=connect,sendto", "-o", log, program("bpfctl"), "-N", guarded.name, *words, check=False)
    assert "sin_port=htons(53)" not in log.read_text() and "nscd" not in log.read_text()
    started = time.monotonic()
    assert guarded.bpfctl.refused(*words).exit_code == 1
    assert time.monotonic() - started < 1.0  # nobody was waited for


# Control requests that no bpfctl sends: what it is; bytes; errno of the answer, None: closed without answer
def request(**changes):
    whole = {"protocol": 2, "id": 7, "verb": "attach", "arguments": {"interface": "eth0"}, **changes}
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode() + b"\n"


BAD_REQUESTS = [
    ("no JSON", b"hello\n", "EINVAL"),
    ("nothing", b"\n", "EINVAL"),
    ("an array", b"[1, 2]\n", "EINVAL"),
    ("half an object", b'{"protocol": 2, "id": 7, \n', "EINVAL"),
    ("bytes that are not UTF-8", b'{"protocol": 2, "id": 7, "verb": "\xff\xfe"}\n', "EINVAL"),
    ("another protocol", request(protocol=1), "EPROTONOSUPPORT"),
    ("a protocol that is text", request(protocol="1"), None),
    ("a verb that is none", request(verb="explode"), "ENOSYS"),
    ("a verb that is a number", request(verb=5), "EINVAL"),
    ("an argument that is none", request(arguments={"interface": "eth0", "colour": "red"}), "EINVAL"),
    ("an argument of the wrong type", request(arguments={"interface": 5}), "EINVAL"),
    ("no interface", request(arguments={}), "EINVAL"),
    ("arguments that are a list", request(arguments=["eth0"]), "EINVAL"),
    ("a name with a zero byte", request(arguments={"interface": "eth\u0000"}), "EINVAL"),
    ("a name with a newline", request(arguments={"interface": "eth\n0"}), "EINVAL"),
    ("a name of 100,000 letters", request(arguments={"interface": "e" * 100_000}), None),
    ("an id below zero", request(id=-1), "EINVAL"),
    ("10,000 arrays in each other", b"[" * 10_000 + b"]" * 10_000 + b"\n", "EINVAL"),
    ("a program of another link type", request(verb="hook-add", arguments={
        "name": "cbpf:l", "type": "ethernet", "on_match": "drop", "filter": None, "program": [[6, 0, 0, 1]],
        "dlt": 12}), "EINVAL"),
    ("a program that does not verify", request(verb="hook-add", arguments={
        "name": "cbpf:l", "type": "inet", "on_match": "drop", "filter": None, "program": [[7, 0, 0, 0]], "dlt": 12}), "EINVAL"),
    ("an instruction with three numbers", request(verb="hook-add", arguments={
        "name": "cbpf:l", "type": "inet", "on_match": "drop", "filter": None, "program": [[6, 0, 0]], "dlt": 12}), "EINVAL"),
    ("an instruction that is out of range", request(verb="hook-add", arguments={
        "name": "cbpf:l", "type": "inet", "on_match": "drop", "filter": None, "program": [[6, 256, 0, 1]], "dlt": 12}), "EINVAL"),
    ("a program without instructions", request(verb="hook-add", arguments={
        "name": "cbpf:l", "type": "inet", "on_match": "drop", "filter": None, "program": [], "dlt": 12}), "EINVAL"),
    ("a link without directions", request(verb="link", arguments={
        "hook": "cbpf:telnet", "head": "inet", "directions": []}), "EINVAL"),
    ("a request of 300,000 bytes", b" " * 300_000 + b"\n", "EMSGSIZE"),
]  # fmt: skip


def test_requests_that_no_bpfctl_sends_are_answered_with_an_error_and_change_nothing(guarded):
    wrong = []
    for what, data, errno in BAD_REQUESTS:
        with Control(guarded.name) as control:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                control.send_bytes(data)
            answer = control.receive()
        said = answer["error"]["errno"] if answer and not answer["ok"] else answer
        if (said != errno and errno is not None) or not answer or answer["ok"] or not answer["error"]["why"]:
            wrong.append((what, errno, answer))
    assert wrong == []
    assert [hook["name"] for hook in guarded.bpfctl.json("hooks")["hooks"]] == ["cbpf:telnet"]
    assert still_filters(guarded)
    assert_ends_well(guarded)


def test_a_link_type_that_differs_is_named(guarded):
    with Control(guarded.name) as control:
        answer = control.call("hook-add", {"name": "cbpf:l", "type": "ethernet", "on_match": "drop", "filter": None,
                                           "program": [[6, 0, 0, 1]], "dlt": 12})  # fmt: skip
    assert answer["error"]["why"] == "the program was compiled for link type 12, heads of type ethernet show 1 (EN10MB)"


def test_a_megabyte_of_random_bytes_and_half_requests_leave_the_daemon_unharmed(guarded):
    noise = random.Random(2)
    for piece in (1 << 20, 1 << 20, 100_000, 10):
        for newlines in (True, False):
            with Control(guarded.name, timeout_s=0.5) as control:
                data = noise.randbytes(piece) if newlines else noise.randbytes(piece).replace(b"\n", b"-")
                # We take no answers, so it may stop to listen, or end the connection.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError, TimeoutError):
                    control.send_bytes(data)
    whole = request(verb="status", arguments=None)
    for length in range(1, len(whole) - 1, 7):
        with Control(guarded.name) as control:
            control.send_bytes(whole[:length])
    assert still_filters(guarded)
    assert_ends_well(guarded)


def test_a_request_that_comes_byte_by_byte_is_answered_and_many_in_one_write_are_in_order(guarded):
    with Control(guarded.name) as control:
        for byte in request(verb="version", arguments=None):
            control.send_bytes(bytes([byte]))
        assert control.receive()["ok"]
        control.send_bytes(b"".join(request(verb="version", id=number, arguments=None) for number in range(200)))
        assert [control.receive()["id"] for _ in range(200)] == list(range(200))


def connect(name):
    """As soon as the queue of those who wait has room."""
    for _ in range(200):
        with contextlib.suppress(BlockingIOError):
            return Control(name)
        time.sleep(0.01)
    raise AssertionError("the daemon accepts no connection")


def test_a_hundred_connections_are_served_or_told_that_there_are_too_many(guarded):
    clients = []
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            clients.append(stack.enter_context(connect(guarded.name)))
        answers = []
        for control in clients:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                control.send_bytes(request(verb="version", arguments=None))
            with contextlib.suppress(ConnectionResetError):
                answers.append(control.receive())
    served = [answer for answer in answers if answer and answer["ok"]]
    refused = [answer for answer in answers if answer and not answer["ok"]]
    assert len(served) == 16
    assert {answer["error"]["errno"] for answer in refused} == {"EBUSY"} and len(refused) >= 80
    assert wait_until(lambda: guarded.bpfctl.run("version").returncode == 0)
    assert still_filters(guarded)
    assert_ends_well(guarded)


def test_a_client_that_takes_no_answers_does_not_keep_others_waiting(guarded):
    slow = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    slow.connect(socket_path(guarded.name))
    slow.setblocking(False)
    with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
        for _ in range(5000):
            slow.send(request(verb="status", arguments=None))
    started = time.monotonic()
    assert still_filters(guarded)
    assert time.monotonic() - started < 3
    slow.close()
    assert_ends_well(guarded)


# What others do to an interface and its port


def repaired(daemon, since):
    """Attached again on every side, seen from outside."""

    def whole():
        view = daemon.bpfctl.interface("eth0")
        links = daemon.lab.fw.run("ip", "-o", "link").stdout.splitlines()
        up = [line for line in links if any(port in line for port in view["port_pair"].values()) and ",UP" in line]
        mtu = all(f"mtu {view['mtu'] + 8} " in line for line in up)
        one_each = [len(side) for side in heads(daemon.lab.fw).values()] == [1, 1]
        return view["state"] == "attached" and len(up) == 2 and mtu and one_each

    return wait_until(whole, timeout_s=REPAIRED_WITHIN_S - (time.monotonic() - since))


DAMAGES = [
    ("port p deleted", lambda p, q, filters: [["ip", "link", "delete", p]]),
    ("port q deleted", lambda p, q, filters: [["ip", "link", "delete", q]]),
    ("both ports deleted", lambda p, q, filters: [["ip", "link", "delete", p], ["ip", "link", "delete", q]]),
    ("port p set down", lambda p, q, filters: [["ip", "link", "set", p, "down"]]),
    ("port q set down", lambda p, q, filters: [["ip", "link", "set", q, "down"]]),
    ("port p with a smaller MTU", lambda p, q, filters: [["ip", "link", "set", p, "mtu", "1400"]]),
    ("port q with a larger MTU", lambda p, q, filters: [["ip", "link", "set", q, "mtu", "9000"]]),
    ("IN head deleted", lambda p, q, filters: [filters("ingress")]),
    ("OUT head deleted", lambda p, q, filters: [filters("egress")]),
    ("clsact deleted with both heads", lambda p, q, filters: [["tc", "qdisc", "delete", "dev", "eth0", "clsact"]]),
    ("re-entry program deleted", lambda p, q, filters: [["tc", "qdisc", "delete", "dev", p, "clsact"]]),
]


@pytest.mark.parametrize("what, damage", DAMAGES, ids=[row[0] for row in DAMAGES])
def test_what_others_break_is_repaired_within_a_second_and_traffic_flows(guarded, what, damage):
    fw = guarded.lab.fw
    assert still_filters(guarded)
    ports = guarded.bpfctl.interface("eth0")["port_pair"]

    def delete(side):
        return ["tc", "filter", "delete", "dev", "eth0", side, "pref", heads(fw)[side][0]["pref"]]

    commands = damage(ports["p"], ports["q"], delete)
    since = time.monotonic()
    for command in commands:
        fw.run(*command, check=command is commands[0])  # what it repaired meanwhile has another index, or is not there yet
    assert repaired(guarded, since), (what, guarded.bpfctl.interface("eth0"))
    assert wait_until(lambda: ping(guarded.lab.cli, "192.0.2.2", count=3).lost == 0), what
    assert still_filters(guarded)
    assert_ends_well(guarded)


def test_an_interface_that_vanishes_while_attached_is_let_go_and_one_of_that_name_can_be_attached(guarded):
    fw, cli = guarded.lab.fw, guarded.lab.cli
    fw.run("ip", "link", "delete", "eth0")
    assert wait_until(lambda: guarded.bpfctl.json("status")["interfaces"] == [])
    assert [head["name"] for head in guarded.bpfctl.json("heads")["heads"]] == ["inet", "inet6", "ethernet"]
    assert wait_until(lambda: "pfp" not in fw.run("ip", "-o", "link").stdout)
    assert guarded.bpfctl.refused("detach", "eth0").exit_code == 1
    cli.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", fw.namespace)
    for host, address in ((cli, "192.0.2.1/24"), (fw, "192.0.2.2/24")):
        host.run("ip", "address", "add", address, "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")
    guarded.bpfctl("attach", "eth0")
    assert wait_until(lambda: ping(cli, "192.0.2.2", count=3).lost == 0)
    assert still_filters(guarded)
    assert_ends_well(guarded)


def test_an_interface_that_vanishes_under_load_leaves_the_daemon_whole(guarded):
    fw, cli = guarded.lab.fw, guarded.lab.cli
    flood = cli.popen("ping", "-f", "-q", "192.0.2.2")
    assert wait_until(lambda: guarded.bpfctl.json("stats")["interfaces"]["eth0"]["in"]["engine_received"] > 1000)
    fw.run("ip", "link", "delete", "eth0")
    flood.close()
    assert wait_until(lambda: guarded.bpfctl.json("status")["interfaces"] == [])

    def all_home():
        frames = guarded.bpfctl.json("stats")["buffers"]
        return (frames["free"], frames["rings"], frames["in_flight"]) == (frames["total"], 0, 0)

    assert wait_until(all_home), guarded.bpfctl.json("stats")["buffers"]
    assert guarded.stop() == 0


def test_a_renamed_interface_keeps_its_links_under_its_new_name(guarded):
    fw = guarded.lab.fw
    guard(guarded, "cbpf:frames", "icmp", "ethernet", head="eth0", direction="i", on_match="count")
    fw.run("ip", "link", "set", "eth0", "down")
    fw.run("ip", "link", "set", "eth0", "name", "wan0")
    fw.run("ip", "link", "set", "wan0", "up")
    assert wait_until(lambda: [one["name"] for one in guarded.bpfctl.json("status")["interfaces"]] == ["wan0"])
    by_name = {head["name"]: head for head in guarded.bpfctl.json("heads")["heads"]}
    assert "eth0" not in by_name
    assert by_name["wan0"]["in"] == ["cbpf:frames"] and by_name["inet"]["covers"] == ["wan0"]
    assert guarded.bpfctl.hook("cbpf:frames")["links"] == [{"head": "wan0", "direction": "in"}]
    assert wait_until(lambda: ping(guarded.lab.cli, "192.0.2.2", count=3).lost == 0)
    before = counted(guarded, "cbpf:frames")["matched"]
    assert ping(guarded.lab.cli, "192.0.2.2", count=10).lost == 0
    assert counted(guarded, "cbpf:frames")["matched"] == before + 10
    assert guarded.bpfctl.refused("detach", "eth0").exit_code == 1
    guarded.bpfctl("unlink", "-i", "cbpf:frames", "wan0")
    guarded.bpfctl("detach", "wan0")
    assert_ends_well(guarded, "wan0")


def test_an_interface_set_down_and_up_again_filters_as_before(guarded):
    fw = guarded.lab.fw
    for _ in range(2):
        fw.run("ip", "link", "set", "eth0", "down")
        assert wait_until(lambda: not guarded.bpfctl.interface("eth0")["up"])
        assert unanswered(guarded.lab.cli, "192.0.2.2", count=2)
        fw.run("ip", "link", "set", "eth0", "up")
        assert wait_until(lambda: guarded.bpfctl.interface("eth0")["up"])
        assert wait_until(lambda: ping(guarded.lab.cli, "192.0.2.2", count=3).lost == 0)
    assert still_filters(guarded)
    assert_ends_well(guarded)


@pytest.mark.parametrize("mtu", [9000, 1280])
def test_a_changed_mtu_is_followed_by_the_port(guarded, mtu):
    guarded.lab.set_mtu(mtu)
    assert repaired(guarded, time.monotonic())
    assert guarded.bpfctl.interface("eth0")["mtu"] == mtu
    assert ping(guarded.lab.cli, "192.0.2.2", count=10, size_bytes=mtu - 28, options=("-M", "do")).lost == 0
    assert still_filters(guarded)
    assert_ends_well(guarded)


def test_a_changed_mac_address_is_followed_by_the_head(guarded):
    guarded.lab.fw.run("ip", "link", "set", "eth0", "address", "02:00:00:00:01:77")
    assert wait_until(lambda: guarded.bpfctl.interface("eth0")["mac"] == "02:00:00:00:01:77")
    guarded.lab.cli.run("ip", "neigh", "flush", "dev", "eth0")
    assert still_filters(guarded)
    assert_ends_well(guarded)


def test_an_mtu_that_no_longer_fits_stands_down_as_attached_says_so_and_is_taken_up_again(guarded):
    fw, cli = guarded.lab.fw, guarded.lab.cli
    fw.run("ip", "link", "set", "eth0", "mtu", "65535")
    assert wait_until(lambda: "its MTU of 65535 bytes is more than" in guarded.current_log())
    assert wait_until(lambda: guarded.bpfctl.interface("eth0")["state"] == "repairing")
    assert ping(cli, "192.0.2.2", count=10).lost == 0  # unknown packets pass
    fw.run("ip", "link", "set", "eth0", "mtu", "1500")
    assert wait_until(lambda: guarded.bpfctl.interface("eth0")["state"] == "attached")
    assert still_filters(guarded)
    assert_ends_well(guarded)
