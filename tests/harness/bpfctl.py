# SPDX-License-Identifier: BSD-2-Clause
"""bpfctl of the build under test, talking to one daemon."""
import json
import subprocess
from dataclasses import dataclass

from .programs import program, program_environment


@dataclass(frozen=True)
class Refusal:
    exit_code: int  # 1 refused, 2 usage, 3 daemon not reachable
    line: str  # what it said on stderr


def ask_at(socket, *arguments):
    """bpfctl asks a daemon whose folder is not the usual one."""
    command = [program("bpfctl"), "--socket", socket, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


class Bpfctl:
    """bpfctl("attach", "eth0") must succeed; bpfctl.json(..) is parsed; bpfctl.refused(..) must fail."""

    def __init__(self, name):
        self._name = name

    def __call__(self, *arguments):
        """What it prints for people."""
        done = self.run(*arguments)
        if done.returncode != 0:
            raise AssertionError(f"bpfctl {arguments}: exit {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self("--json", *arguments))

    def refused(self, *arguments):
        done = self.run(*arguments)
        if done.returncode == 0:
            raise AssertionError(f"bpfctl {arguments} should have been refused: {done.stdout}")
        return Refusal(done.returncode, done.stderr.strip())

    def run(self, *arguments, stdin="", timeout_s=30, started_by=()):
        """started_by: a command that runs it in its place, as setpriv(1) does."""
        command = [*started_by, program("bpfctl"), "-N", self._name, *map(str, arguments)]
        environment = program_environment()
        return subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", input=stdin, timeout=timeout_s)

    def hook(self, name):
        """One hook as the protocol describes it."""
        return next(hook for hook in self.json("hooks")["hooks"] if hook["name"] == name)

    def interface(self, name):
        """One interface of `status`."""
        return next(one for one in self.json("status")["interfaces"] if one["name"] == name)
