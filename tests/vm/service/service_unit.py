# SPDX-License-Identifier: BSD-2-Clause
"""The package under test, and the instance `default` as a service of systemd."""
import json
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass

from harness.judges import wait_until

SHARE = pathlib.Path("/run/vm")  # vagrant/vm-test puts the packages there
ETC = pathlib.Path("/etc/pfild")
FILE = ETC / "default.toml"
GUARD = """
[[interface]]
name = "lan0"
unknown = "drop"

[[hook]]
name = "cbpf:blocked"
type = "inet"
on_match = "drop"
filter = "udp dst port 9001"

[[link]]
hook = "cbpf:blocked"
head = "inet"
directions = ["in"]
"""


@dataclass(frozen=True)
class Package:
    path: pathlib.Path
    version: str


def run(*command, check=True):
    """A CompletedProcess with text; a failure shows what the command said."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done


def package(which):
    """`old`: that of this build. `new`: the same, rebuilt."""
    (path,) = (SHARE / which).glob("pfild_*.deb")
    return Package(path, run("dpkg-deb", "--field", path, "Version").stdout.strip())


def dpkg(*arguments):
    return run("dpkg", *arguments)


def installed_version():
    """None: it is not, or only its configuration is left."""
    done = run("dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Version}", "pfild", check=False)
    status, _, version = done.stdout.partition(" ")
    return version if status == "installed" else None


class Service:
    UNIT = "pfild@default.service"

    def begin(self):
        self._kept = FILE.read_text()
        FILE.write_text(GUARD)
        self.systemctl("start")

    def end(self):
        """Also of one that is not there any more, or that has been made to fail."""
        run("systemctl", "stop", self.UNIT, check=False)
        run("systemctl", "reset-failed", self.UNIT, check=False)
        if ETC.exists():
            FILE.write_text(self._kept)
        shutil.rmtree("/var/lib/pfild/default", ignore_errors=True)

    def systemctl(self, verb, check=True):
        return run("systemctl", verb, self.UNIT, check=check)

    def shown(self, property_name):
        """What systemd knows of it: ActiveState, MainPID, NRestarts, .."""
        return run("systemctl", "show", "--value", "--property", property_name, self.UNIT).stdout.strip()

    def active(self):
        return self.shown("ActiveState") == "active"

    def comes_up(self):
        return wait_until(self.active, timeout_s=60, step_s=0.5)

    @property
    def pid(self):
        return int(self.shown("MainPID"))

    def program(self):
        """The path of what runs; it ends in " (deleted)" if that is not what is there now."""
        return os.readlink(f"/proc/{self.pid}/exe")

    def bpfctl(self, *arguments):
        return run("bpfctl", *arguments).stdout

    def status(self):
        return json.loads(self.bpfctl("--json", "status"))

    def guards(self, name):
        return any(one["name"] == name for one in self.status()["interfaces"])

    def journal(self):
        """What the instance and systemd said of it since the machine is up."""
        return run("journalctl", "--boot", "--output", "cat", "--unit", self.UNIT).stdout
