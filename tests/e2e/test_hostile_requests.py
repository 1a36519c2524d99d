# SPDX-License-Identifier: BSD-2-Clause
"""Whatever comes over the control socket, with whatever descriptors beside it: each request is answered at once, and the daemon
holds no more afterwards. PFILD_HOSTILE is how many there are (scripts/prove control: 100,000)."""
import contextlib
import fcntl
import json
import os
import random
import socket
import tempfile
import time
from dataclasses import dataclass

import pytest

from harness.control import Control
from harness.holdings import holdings
from harness.hung_file import HungFile
from harness.judges import assert_ends_well, wait_until
from harness.pfild import TEST_MODE
from harness.ping import ping

REQUESTS = int(os.environ.get("PFILD_HOSTILE", "10000"))
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
LINE = b'{"protocol": 2, "id": 7, "verb": "version"}\n'
HOOK = {"name": "cbpf:big", "type": "inet", "on_match": "count", "program": [[6, 0, 0, 0]], "dlt": 12}
LINK = {"hook": "cbpf:big", "head": "inet", "directions": ["in"]}
EMPTY = {"settings": {}, "interfaces": [], "hooks": [], "links": []}


@dataclass(frozen=True)
class Large:
    """A verb that takes its arguments in memory."""

    verb: str
    arguments: dict  # with which it would be done
    most: int  # bytes

    @property
    def line(self):
        return json.dumps({"protocol": 2, "id": 7, "verb": self.verb, "in_memory": True}).encode() + b"\n"

    def memory(self, seals=SEALS, **more):
        return memory(json.dumps({**self.arguments, **more}).encode(), seals)


LARGE = [
    Large("hook-add", HOOK, 4 << 20),
    Large("hook-replace", HOOK, 4 << 20),
    Large("batch", {"steps": [{"hook-add": HOOK}]}, 64 << 20),
    Large("config-apply", {"model": EMPTY}, 64 << 20),
]
IN_MEMORY = LARGE[0].line


def memory(content, seals=SEALS):
    descriptor = os.memfd_create("request", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.write(descriptor, content)
    if seals:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


def sparse(size):
    descriptor = os.memfd_create("request", os.MFD_ALLOW_SEALING)
    os.truncate(descriptor, size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    return descriptor


@contextlib.contextmanager
def closing(*descriptors):
    try:
        yield list(descriptors)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def lacking(*seals):
    return lambda large: closing(large.memory(SEALS & ~sum(seals)))


@contextlib.contextmanager
def ordinary_file(large):
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(large.arguments).encode())
        file.flush()
        yield [file.fileno()]


@contextlib.contextmanager
def pair(_large):
    one, other = socket.socketpair()
    with one, other:
        yield [one.fileno()]


# What comes beside a request that says its arguments are in memory: what it is; a context with the descriptors, for a verb; errno of the answer
BESIDE = [
    ("nothing", lambda large: closing(), "EINVAL"),
    ("memory without seals", lambda large: closing(large.memory(0)), "EINVAL"),
    *[(f"memory without seal {seal}", lacking(seal), "EINVAL")
      for seal in (fcntl.F_SEAL_WRITE, fcntl.F_SEAL_SHRINK, fcntl.F_SEAL_GROW, fcntl.F_SEAL_SEAL)],
    ("a pipe", lambda large: closing(*os.pipe()[:1]), "EINVAL"),
    ("the end of a pipe that writes", lambda large: closing(*os.pipe()[1:]), "EINVAL"),
    ("an ordinary file", ordinary_file, "EINVAL"),
    ("a folder", lambda large: closing(os.open("/", os.O_RDONLY)), "EINVAL"),
    ("a path", lambda large: closing(os.open("/etc/passwd", os.O_PATH)), "EINVAL"),
    ("/dev/zero", lambda large: closing(os.open("/dev/zero", os.O_RDONLY)), "EINVAL"),
    ("a socket", pair, "EINVAL"),
    ("empty memory", lambda large: closing(memory(b"")), "EINVAL"),
    ("memory that is too large", lambda large: closing(sparse(large.most + 1)), "EMSGSIZE"),
    ("memory of a terabyte", lambda large: closing(sparse(1 << 40)), "EMSGSIZE"),
    ("memory full of zeros", lambda large: closing(sparse(large.most)), "EINVAL"),
    ("memory with half an object", lambda large: closing(memory(b'{"name": ')), "EINVAL"),
    ("memory with a list", lambda large: closing(memory(b"[]")), "EINVAL"),
    ("memory with arguments in each other", lambda large: closing(memory(b"[" * large.most)), "EINVAL"),
    ("memory with an unknown argument", lambda large: closing(large.memory(colour=1)), "EINVAL"),
    ("two memories", lambda large: closing(memory(b"{}"), memory(b"{}")), "EINVAL"),
    ("two hundred memories", lambda large: closing(*(memory(b"{}") for _ in range(200))), "EINVAL"),
]  # fmt: skip



def asked(verb, arguments):
    return lambda _chance: json.dumps({"protocol": 2, "id": 7, "verb": verb, "arguments": arguments}).encode() + b"\n"


def hook(name, **more):
    return {**HOOK, "name": name, **more}


def linked(name, **more):
    return {**LINK, "hook": name, **more}


# Behind one that runs in the engine none runs in the kernel: that is known when all is made, and then all goes again.
BROKEN_PROMISE = [
    {"hook-add": hook("cbpf:engine", run="engine")}, {"link": linked("cbpf:engine")},
    {"hook-add": hook("cbpf:kernel", run="kernel")}, {"link": linked("cbpf:kernel", append=True)},
]  # fmt: skip
# Lines that are wrong in themselves, whatever comes beside them
LINES = [
    ("a cut line", lambda chance: IN_MEMORY[: chance.randrange(len(IN_MEMORY) - 1)] + b"\n"),
    ("noise", lambda chance: chance.randbytes(chance.randrange(2000)).replace(b"\n", b"-") + b"\n"),
    ("brackets", lambda chance: b"[" * chance.randrange(33, 5000) + b"\n"),
    ("objects in each other", lambda chance: b'{"a":' * chance.randrange(33, 5000) + b"\n"),
    ("in memory, for a verb that takes none", lambda chance: IN_MEMORY.replace(b"hook-add", b"status")),
    ("arguments twice", lambda chance: IN_MEMORY[:-2] + b', "arguments": {}}\n'),
    ("a verb that is none", lambda chance: IN_MEMORY.replace(b"hook-add", b"explode")),
    ("many strangers", lambda chance: json.dumps({**json.loads(LINE), "arguments": {str(n): n for n in range(1000)}}).encode()
     + b"\n"),
    ("a batch that is no list", asked("batch", {"steps": "all"})),
    ("a batch of nothing", asked("batch", {"steps": [{}]})),
    ("two changes in one step", asked("batch", {"steps": [{"attach": {"interface": "eth0"}, "detach": {"interface": "eth0"}}]})),
    ("a batch whose second step fails", asked("batch", {"steps": [{"hook-add": HOOK}, {"hook-add": HOOK}]})),
    ("a batch whose last step fails", asked("batch", {"steps": [{"hook-add": hook(f"cbpf:{n}")} for n in range(200)] + [{"unlink": LINK}]})),
    ("a batch that cannot be in force", asked("batch", {"steps": BROKEN_PROMISE})),
    ("a batch of batches", asked("batch", {"steps": [{"batch": {"steps": []}}]})),
    ("a model that is none", asked("config-apply", {"model": []})),
    ("a model of strangers", asked("config-apply", {"model": {**EMPTY, "rules": [], "colour": 1}})),
    ("a model with a setting that is none", asked("config-apply", {"model": {**EMPTY, "settings": {"buffers": -1}}})),
    ("a model with a link to nothing", asked("config-apply", {"model": {**EMPTY, "links": [LINK]}})),
    ("a trial of no time", asked("config-apply", {"model": EMPTY, "confirm_s": 0})),
    ("a trial of ages", asked("config-apply", {"model": EMPTY, "confirm_s": 1 << 63})),
    ("a confirmation of nothing", asked("config-confirm", {})),
    ("a rollback of nothing", asked("config-rollback", {})),
    ("arguments for who follows", asked("monitor", {"from": 1})),
]  # fmt: skip


def holdings_at_rest(daemon):
    """A list of descriptors is no snapshot: one that is replaced meanwhile can be missed. Two lists that agree are right."""
    before, now = None, holdings(daemon)
    while before is None or before.descriptors != now.descriptors:
        before, now = now, holdings(daemon)
    return now


def answer_to(control, line, descriptors):
    """And that it comes at once."""
    started = time.monotonic()
    if descriptors:
        control.send_with(line, descriptors)
    else:
        control.send_bytes(line)
    answer = control.receive()
    assert time.monotonic() - started < 1.0, line[:100]
    return answer


def test_arguments_come_in_sealed_memory_if_there_are_many(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    with Control(daemon.name) as control, closing(memory(json.dumps(HOOK).encode())) as beside:
        answer = answer_to(control, IN_MEMORY, beside)
        assert answer["ok"] and answer["result"]["name"] == "cbpf:big", answer
        # The descriptor is taken: the next one has none.
        assert answer_to(control, IN_MEMORY, [])["error"]["errno"] == "EINVAL"
        # One that nobody asked for is closed, and the line is answered as ever.
        assert answer_to(control, LINE, beside)["ok"]
        assert answer_to(control, IN_MEMORY, [])["error"]["errno"] == "EINVAL"
    assert_ends_well(daemon)


@pytest.mark.parametrize(("descriptors", "errno"), [row[1:] for row in BESIDE], ids=[row[0] for row in BESIDE])
def test_what_is_no_sealed_memory_is_refused(host_lab, start_pfild, descriptors, errno):
    daemon = start_pfild(host_lab.fw)
    with Control(daemon.name) as control:
        assert answer_to(control, LINE, [])["ok"]
        before = holdings_at_rest(daemon)
        for large in LARGE:
            with descriptors(large) as beside:
                answer = answer_to(control, large.line, beside)
            assert answer["error"]["errno"] == errno and answer["error"]["why"], (large.verb, answer)
        more = lambda: [one for one in holdings(daemon).growth(before) if "descriptors" in one]  # noqa: E731
        assert wait_until(lambda: not more()), more()
        assert answer_to(control, LINE, [])["ok"]


def test_a_file_whose_file_system_is_silent_keeps_nobody_waiting(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    with HungFile() as hung, Control(daemon.name) as control:
        assert answer_to(control, IN_MEMORY, [hung])["error"]["errno"] == "EINVAL"
        assert answer_to(control, LINE, [])["ok"]


def follow_and_go(daemon, hung):
    """Somebody follows what happens, asks on with half a request, and goes without having read anything."""
    with Control(daemon.name) as other:
        other.send_bytes(asked("monitor", {})(None) * 3)
        other.send_with(IN_MEMORY[:20], [hung])


def test_hostile_requests_cost_no_descriptor_no_byte_and_no_second(host_lab, start_pfild):
    mode = "" if TEST_MODE == "auto" else f'mode = "{TEST_MODE}"\n'
    daemon = start_pfild(host_lab.fw, config=mode + '[[interface]]\nname = "eth0"\n')
    chance = random.Random(11)
    kinds = [(descriptors, None) for _, descriptors, _ in BESIDE] + [(None, line) for _, line in LINES]

    def some(count):
        with contextlib.ExitStack() as stack:
            hung = stack.enter_context(HungFile())
            control = stack.enter_context(Control(daemon.name))
            for number in range(count):
                descriptors, line = chance.choice(kinds)
                large = chance.choice(LARGE)
                with descriptors(large) if descriptors else contextlib.nullcontext([hung]) as beside:
                    answer = answer_to(control, line(chance) if line else large.line, beside)
                    assert answer and not answer["ok"] and answer["error"]["why"], answer
                if number % 100 == 0:  # somebody goes while his request is on its way
                    with Control(daemon.name) as other:
                        other.send_with(IN_MEMORY[:20], [hung])
                    follow_and_go(daemon, hung)

    some(500)  # what is made at the first use only has been made by then
    before, model = holdings_at_rest(daemon), daemon.bpfctl("config", "show")
    some(REQUESTS)
    assert wait_until(lambda: not holdings(daemon).growth(before)), holdings(daemon).growth(before)
    assert daemon.bpfctl("config", "show") == model
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    assert_ends_well(daemon)
