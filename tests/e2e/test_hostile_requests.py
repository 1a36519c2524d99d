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

import pytest

from harness.control import Control
from harness.holdings import holdings
from harness.hung_file import HungFile
from harness.judges import assert_ends_well, wait_until

REQUESTS = int(os.environ.get("PFILD_HOSTILE", "10000"))
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
IN_MEMORY = b'{"protocol": 2, "id": 7, "verb": "hook-add", "in_memory": true}\n'
LINE = b'{"protocol": 2, "id": 7, "verb": "version"}\n'
HOOK = {"name": "cbpf:big", "type": "inet", "on_match": "count", "program": [[6, 0, 0, 0]], "dlt": 12}
MOST = 4 << 20


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
    return lambda: closing(memory(json.dumps(HOOK).encode(), SEALS & ~sum(seals)))


@contextlib.contextmanager
def ordinary_file():
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(HOOK).encode())
        file.flush()
        yield [file.fileno()]


@contextlib.contextmanager
def pair():
    one, other = socket.socketpair()
    with one, other:
        yield [one.fileno()]


# What comes beside a request that says its arguments are in memory: what it is; a context with the descriptors; errno of the answer
BESIDE = [
    ("nothing", lambda: closing(), "EINVAL"),
    ("memory without seals", lambda: closing(memory(b"{}", 0)), "EINVAL"),
    *[(f"memory without seal {seal}", lacking(seal), "EINVAL")
      for seal in (fcntl.F_SEAL_WRITE, fcntl.F_SEAL_SHRINK, fcntl.F_SEAL_GROW, fcntl.F_SEAL_SEAL)],
    ("a pipe", lambda: closing(*os.pipe()[:1]), "EINVAL"),
    ("the end of a pipe that writes", lambda: closing(*os.pipe()[1:]), "EINVAL"),
    ("an ordinary file", ordinary_file, "EINVAL"),
    ("a folder", lambda: closing(os.open("/", os.O_RDONLY)), "EINVAL"),
    ("a path", lambda: closing(os.open("/etc/passwd", os.O_PATH)), "EINVAL"),
    ("/dev/zero", lambda: closing(os.open("/dev/zero", os.O_RDONLY)), "EINVAL"),
    ("a socket", pair, "EINVAL"),
    ("empty memory", lambda: closing(memory(b"")), "EINVAL"),
    ("memory that is too large", lambda: closing(sparse(MOST + 1)), "EMSGSIZE"),
    ("memory of a terabyte", lambda: closing(sparse(1 << 40)), "EMSGSIZE"),
    ("memory full of zeros", lambda: closing(sparse(MOST)), "EINVAL"),
    ("memory with half an object", lambda: closing(memory(b'{"name": ')), "EINVAL"),
    ("memory with a list", lambda: closing(memory(b"[]")), "EINVAL"),
    ("memory with arguments in each other", lambda: closing(memory(b"[" * MOST)), "EINVAL"),
    ("memory with an unknown argument", lambda: closing(memory(json.dumps({**HOOK, "colour": 1}).encode())), "EINVAL"),
    ("two memories", lambda: closing(memory(b"{}"), memory(b"{}")), "EINVAL"),
    ("two hundred memories", lambda: closing(*(memory(b"{}") for _ in range(200))), "EINVAL"),
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
    with Control(daemon.name) as control, descriptors() as beside:
        assert answer_to(control, LINE, [])["ok"]
        before = holdings_at_rest(daemon)
        answer = answer_to(control, IN_MEMORY, beside)
        assert answer["error"]["errno"] == errno and answer["error"]["why"], answer
        more = lambda: [one for one in holdings(daemon).growth(before) if "descriptors" in one]  # noqa: E731
        assert wait_until(lambda: not more()), more()
        assert answer_to(control, LINE, [])["ok"]


def test_a_file_whose_file_system_is_silent_keeps_nobody_waiting(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    with HungFile() as hung, Control(daemon.name) as control:
        assert answer_to(control, IN_MEMORY, [hung])["error"]["errno"] == "EINVAL"
        assert answer_to(control, LINE, [])["ok"]


def test_hostile_requests_cost_no_descriptor_no_byte_and_no_second(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    chance = random.Random(11)
    kinds = [(descriptors, None) for _, descriptors, _ in BESIDE] + [(None, line) for _, line in LINES]

    def some(count):
        with contextlib.ExitStack() as stack:
            hung = stack.enter_context(HungFile())
            control = stack.enter_context(Control(daemon.name))
            for number in range(count):
                descriptors, line = chance.choice(kinds)
                with (descriptors or (lambda: contextlib.nullcontext([hung])))() as beside:
                    answer = answer_to(control, line(chance) if line else IN_MEMORY, beside)
                    assert answer and not answer["ok"] and answer["error"]["why"], answer
                if number % 100 == 0:  # somebody goes while his request is on its way
                    with Control(daemon.name) as other:
                        other.send_with(IN_MEMORY[:20], [hung])

    some(500)  # what is made at the first use only has been made by then
    before = holdings_at_rest(daemon)
    some(REQUESTS)
    assert wait_until(lambda: not holdings(daemon).growth(before)), holdings(daemon).growth(before)
    assert daemon.bpfctl.json("hooks")["hooks"] == []
    assert_ends_well(daemon)
