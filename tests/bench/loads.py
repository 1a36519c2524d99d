# SPDX-License-Identifier: BSD-2-Clause
"""The programs of the bench, started in the hosts of a lab. Everything that sends is bounded in time by itself.

CPU 0 makes the load, CPU 1 runs the engine and whatever else receives in userspace; this process is on CPU 1 too.
"""
import json
import os
import pathlib
import time

from harness import control

LOAD_CPU = 0
ENGINE_CPU = 1
_PREFIX = "bench_"
_PATIENCE_S = 5  # a load ends by itself so long after it should have been stopped
_ARRIVED = 1000  # packets or bytes that are more than what hosts say by themselves


def program(name):
    """The path of a program of this folder, from the build folder PFILD_BIN_DIR."""
    path = pathlib.Path(os.environ["PFILD_BIN_DIR"]).resolve() / "tests" / "bench" / (_PREFIX + name)
    if not path.exists():
        raise RuntimeError(f"{path} is not built (cmake --build .. --target bench_programs)")
    return str(path)


def pin(pid, cpu):
    """All threads of a process to one CPU."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {cpu})


class Meter:
    """A program that counts and can be asked at any time (load.h)."""

    def __init__(self, host, name, *words):
        self._process = host.popen(program(name), *words, "--cpu", ENGINE_CPU, interactive=True)
        self._line()  # ready

    def read(self):
        """(nanoseconds, count so far)"""
        self._process.popen.stdin.write(b"\n")
        self._process.popen.stdin.flush()
        answer = self._line()
        return answer["ns"], answer["count"]

    def _line(self):
        line = self._process.popen.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.command}: {self._process.stderr.strip()}")
        return json.loads(line)


class EngineMeter:
    """A counter of pfild's own `stats`. One connection a reading: the daemon closes those that are idle for 30 s."""

    def __init__(self, daemon, counter, direction="in"):
        self._name = daemon.name
        self._place = (direction, counter)

    def read(self):
        stats = self.stats()
        direction, counter = self._place
        return time.monotonic_ns(), stats["interfaces"]["eth0"][direction][counter]

    def stats(self):
        with control.Control(self._name) as connection:
            return connection.call("stats")["result"]


class PacketLoad:
    """60-byte UDP packets from the client's eth0 as fast as one CPU makes them, of so many flows in turn, whose keys have no
    structure. scattered: nor has the order in which they come, again and again the same."""

    def __init__(self, lab, flows=1, scattered=False):
        self._host = lab.cli
        self._words = ("--flows", flows, "--scattered-keys", *(("--scattered-order",) if scattered else ()), "--cpu", LOAD_CPU)

    def start(self, seconds, rate_pps=0):
        return _started(self._host, "generate", "eth0", *self._words, "--seconds", seconds, "--rate", rate_pps)

    def send(self, seconds, rate_pps):
        """{"sent": packets, "seconds": ..} of a load at that rate, or as much as the CPU makes of it."""
        words = ("eth0", *self._words, "--seconds", seconds, "--rate", rate_pps)
        return json.loads(self._host.run(program("generate"), *words).stdout.splitlines()[-1])


class StreamLoad:
    """One TCP stream from the client."""

    def __init__(self, lab):
        self._host, self._address = lab.cli, lab.fw.eth0.ipv4

    def start(self, seconds):
        return _started(self._host, "stream", "send", self._address, "--seconds", seconds, "--cpu", LOAD_CPU)


def _started(host, name, *words):
    process = host.popen(program(name), *words)
    process.wait_for_output("running")
    return process


LEARNING_PPS = 400_000  # of new flows, in the order of their numbers
KNOWN = 0.99  # of them: a table that is nearly full finds no place for some
_PASSES = 6


def learn(lab, daemon, flows):
    """Until pfild knows all of these flows, which it has then met in the order in which an unscattered load sends them."""
    load = PacketLoad(lab, flows)
    meter = EngineMeter(daemon, "seen")
    seconds = max(0.1, 1.05 * flows / LEARNING_PPS)
    for _ in range(_PASSES):
        if load.send(seconds, LEARNING_PPS)["sent"] < flows:
            seconds *= 2  # a busy machine makes fewer in that time, and each pass begins with the first
        known = meter.stats()["flows"]["in_use"]
        if known >= KNOWN * flows:
            return
    raise RuntimeError(f"of {flows} flows pfild knows {known} after {_PASSES} passes")


def await_load(meter):
    """Until something arrives: on a busy machine the kernel may take long before it makes the first packet."""
    deadline = time.monotonic() + _PATIENCE_S / 2
    before = meter.read()[1]
    while meter.read()[1] - before < _ARRIVED and time.monotonic() < deadline:
        time.sleep(0.01)


def rate(load, meter, times):
    """What the meter counts a second while the load runs; the warm-up does not count."""
    process = load.start(times.warm_up_s + times.window_s + _PATIENCE_S)
    await_load(meter)
    time.sleep(times.warm_up_s)
    start_ns, start = meter.read()
    time.sleep(times.window_s)
    end_ns, end = meter.read()
    if not process.running():
        raise RuntimeError(f"{process.command} ended early: {process.stderr.strip()}")
    process.stop()
    process.close()
    return (end - start) * 1e9 / (end_ns - start_ns)


def round_trips(lab, samples):
    """{"p50_us": .., "p99_us": ..} of single UDP packets there and back."""
    done = lab.cli.run(program("ping_pong"), "ask", lab.fw.eth0.ipv4, "--count", samples, "--cpu", LOAD_CPU)
    return json.loads(done.stdout)
