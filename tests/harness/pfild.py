# SPDX-License-Identifier: BSD-2-Clause
"""The daemon of the build under test, in the namespace of a host."""
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from . import cleanup, control
from .bpfctl import Bpfctl
from .programs import program


# The mode of interfaces whose test does not say: so the same tests run with heads in XDP.
TEST_MODE = os.environ.get("PFILD_TEST_MODE", "auto")


class Pfild:
    """Starts `pfild` and waits until its control socket answers. After kill9() or stop(), start() starts it again.

    The name of the instance is its own, so daemons of several tests and of the machine do not meet.
    """

    _numbers = itertools.count(1)

    def __init__(self, host, config=None, options=(), name=None, start=True, started_by=()):
        """started_by: a command that runs the daemon in its place, as unshare(1) does."""
        self.host = host
        self.name = name or f"t{os.getpid()}-{next(Pfild._numbers)}"
        self.bpfctl = Bpfctl(self.name)
        self.log = ""  # of the runs that have ended
        self._process = None
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="pfild-config-"))
        self._command = [*started_by, program("pfild"), "--name", self.name, "--log-level", "debug", *options]
        if TEST_MODE != "auto" and not (config or "").startswith("mode = "):
            config = f'mode = "{TEST_MODE}"\n' + (config or "")
        if config is not None:
            self.configure(config)
            self._command += ["--config", self._folder / "pfild.toml"]
        self._boot_id = self._folder / "boot_id"  # the machine's own, until reboot()
        self._boot_id.write_text(pathlib.Path("/proc/sys/kernel/random/boot_id").read_text())
        self._command = ["env", f"PFILD_BOOT_ID_FILE={self._boot_id}", *self._command]
        self._cleanup_key = cleanup.register(self._remove)
        if start:
            self.start()

    @property
    def pid(self):
        return self._process.pid

    @property
    def run_folder(self):
        return pathlib.Path("/run/pfild") / self.name

    @property
    def pin_folder(self):
        return pathlib.Path("/sys/fs/bpf/pfild") / self.name

    @property
    def state_folder(self):
        return pathlib.Path("/var/lib/pfild") / self.name

    def compile(self):
        """As the unit does before it starts the daemon: filters in the files need it."""
        words = list(map(str, self._command))
        path = pathlib.Path(words[words.index("--config") + 1]) if "--config" in words else None
        files = [path, *path.with_suffix(".d").glob("*.toml")] if path else []
        if any(re.search(r"^ *filter *=", one.read_text(), re.MULTILINE) for one in files if one.exists()):
            self.bpfctl.run("config", "compile", "--config", path)

    def start(self, timeout_s=20, compiled=True):
        if compiled:
            self.compile()
        self._process = self.host.popen(*self._command)
        deadline = time.monotonic() + timeout_s
        while not control.answers(self.name):
            if not self._process.running():
                code, said = self._process.popen.returncode, self._process.stderr
                raise AssertionError(f"pfild ended with {code} before its control socket answered: {said}")
            if time.monotonic() > deadline:
                raise AssertionError(f"pfild does not answer after {timeout_s} s: {self._process.stderr}")
            time.sleep(0.02)

    def configure(self, config):
        """What reload() or the next start() reads, of a daemon that was made with a configuration."""
        (self._folder / "pfild.toml").write_text(config)

    def running(self):
        return self._process is not None and self._process.running()

    def stop(self):
        """SIGTERM; the exit code, which a good daemon makes 0."""
        return self._end(signal.SIGTERM)

    def kill9(self):
        """As a crash: what it had made in the kernel stays."""
        self._end(signal.SIGKILL)

    def reboot(self, timeout_s=20, compiled=True):
        """What a boot leaves: nothing in /run, no heads, no pins; the disk as it was. Then it starts again."""
        if self.running():
            self.stop_for_reboot()
        for folder in (self.run_folder, self.pin_folder):
            shutil.rmtree(folder, ignore_errors=True)
        self._boot_id.write_text(f"{time.time_ns()}\n")
        self.start(timeout_s, compiled)

    def stop_for_reboot(self):
        """Orderly, as the machine goes down: all heads are taken off."""
        assert self.stop() == 0, self.log

    def reload(self):
        self.compile()
        self._process.signal(signal.SIGHUP)

    def signal(self, number):
        self._process.signal(number)

    def current_log(self):
        """Everything said so far, in all runs."""
        return self.log + (self._process.stdout + self._process.stderr if self._process else "")

    def left_behind(self):
        """What is there of it that should not be after stop(): pins, sockets, ports in the host's namespace."""
        left = [str(path) for folder in (self.run_folder, self.pin_folder) if folder.exists() for path in folder.iterdir()]
        links = self.host.run("ip", "-o", "link").stdout.splitlines()
        return left + [line for line in links if "pfp" in line or "pfq" in line]

    def close(self):
        cleanup.run(self._cleanup_key)

    def _end(self, number):
        self._process.signal(number)
        try:
            code = self._process.wait(20)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"pfild runs on 20 s after signal {number}: {self.current_log()}") from None
        self.log = self.current_log()
        self._process.close()
        self._process = None
        return code

    def _remove(self):
        if self._process is not None:
            self._process.stop()
            self.log = self.current_log()
            self._process.close()
            self._process = None
        # Mounts first (a pinned namespace would be one), then files; both carry the name of a test.
        for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
            if line.split()[1].startswith(f"{self.run_folder}/"):
                subprocess.run(["umount", "--lazy", line.split()[1]], check=False)
        for folder in (self.run_folder, self.pin_folder, self.state_folder, self._folder):
            shutil.rmtree(folder, ignore_errors=True)
