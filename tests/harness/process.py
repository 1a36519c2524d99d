# SPDX-License-Identifier: BSD-2-Clause
"""A program that runs beside the test. It dies with the test, also when the test is killed."""
import contextlib
import ctypes
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from . import cleanup

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent():
    """Between fork and exec, so that there is no moment without it (setpriv(1) has one)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """stdout and stderr go to files, so that no pipe fills and what was said so far can be read at any time.

    With interactive=True stdin and stdout are binary pipes of `popen` instead; with listening=True stdin is.
    """

    def __init__(self, command, interactive=False, listening=False):
        self.command = [str(word) for word in command]
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="pfild-test-"))
        pipe = subprocess.PIPE
        with open(self._path("stdout"), "wb") as out, open(self._path("stderr"), "wb") as err:
            self.popen = subprocess.Popen(
                self.command,
                stdin=pipe if interactive or listening else subprocess.DEVNULL,
                stdout=pipe if interactive else out,
                stderr=err,
                preexec_fn=_die_with_parent,
            )
        self._cleanup_key = cleanup.register(self._discard)

    @property
    def pid(self):
        """The program's own: nsenter replaces itself."""
        return self.popen.pid

    @property
    def stdout(self):
        return self._read("stdout")

    @property
    def stderr(self):
        return self._read("stderr")

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def tell(self, line):
        """Writes a line to its stdin; fine when it has ended."""
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.write(line.encode() + b"\n")
            self.popen.stdin.flush()

    def wait(self, timeout_s=30):
        """The exit code; negative: ended by that signal."""
        return self.popen.wait(timeout_s)

    def wait_for_output(self, text, timeout_s=10):
        """Returns once `text` is in stdout or stderr."""
        deadline = time.monotonic() + timeout_s
        while text not in self.stdout + self.stderr:
            if not self.running() and text not in self.stdout + self.stderr:
                raise AssertionError(f"{self.command} ended ({self.popen.returncode}) before it said {text!r}: {self.stderr}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.command} did not say {text!r} in {timeout_s} s: {self.stdout}{self.stderr}")
            time.sleep(0.01)

    def stop(self, timeout_s=10):
        """SIGTERM, and SIGKILL when that does not help; the exit code. Also fine when it has ended."""
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait(10)

    def close(self):
        """Stops it and forgets its output."""
        cleanup.run(self._cleanup_key)

    def _discard(self):
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, stream):
        return self._folder / stream

    def _read(self, stream):
        """Empty after close()."""
        path = self._path(stream)
        return path.read_text(errors="replace") if path.exists() else ""
