# SPDX-License-Identifier: BSD-2-Clause
"""A daemon whose files and processes nobody here sees, as that of a container is."""
import os
import pathlib
import signal
import subprocess

from .bpfctl import Refusal
from .programs import program


class Apart:
    """A daemon in mount and PID namespaces of its own, with its own /run, /var/lib and BPF file system; in the network namespace of a host."""

    OWN = 'mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib && mount -t bpf bpf /sys/fs/bpf && exec "$@"'

    def __init__(self, host, name):
        alone = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", self.OWN, "sh"]
        self.process = host.popen(*alone, program("pfild"), "--name", name)
        self._enter = ["nsenter", f"--target={self.process.pid}", "--mount", "--", program("bpfctl"), "-N", name]
        self.process.wait_for_output("guards instance")

    def run(self, *words):
        return subprocess.run([*self._enter, *words], capture_output=True, text=True, timeout=30)

    def refused(self, *words):
        done = self.run(*words)
        assert done.returncode != 0, done.stdout
        return Refusal(done.returncode, done.stderr.strip())

    def kill9(self):
        """The daemon, which is the child of unshare."""
        child = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        os.kill(int(child), signal.SIGKILL)
        self.process.wait()
