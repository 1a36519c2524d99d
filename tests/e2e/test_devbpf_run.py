# SPDX-License-Identifier: BSD-2-Clause
"""`bpfctl devbpf run COMMAND`: whose /dev/bpf it is, what the command may, how it ends."""
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from harness.judges import wait_until
from harness.process import Process
from harness.programs import program, program_environment

PATIENCE_S = 30
HARNESS = pathlib.Path(__file__).resolve().parents[1]


def capabilities(pid):
    """{name: number} of a process."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1], 16) for line in lines if line.startswith("Cap")}


def run(daemon, *words, **options):
    return daemon.bpfctl.run("devbpf", "run", *words, **options)


SET_UP = """
from harness import bpf_file as bpf
file = bpf.BpfFile("/dev/bpf", "eth0")
print(file.u32(bpf.GBLEN))
print(file.link_types_at(0, 0))
file.set_filter("ip")
"""


WRITE_WITH_FEEDBACK = """
import errno
from harness import bpf_file as bpf
file = bpf.BpfFile("/dev/bpf", "eth0")
file.set_u32(bpf.SFEEDBACK, 1)
try:
    print(file.write(bytes(60)))
except OSError as error:
    print(errno.errorcode[error.errno])
"""


def test_the_command_has_the_device_and_the_host_does_not(daemon):
    before = sorted(os.listdir("/dev"))
    mounts = pathlib.Path("/proc/self/mounts").read_text()
    done = run(daemon, "sh", "-c", "ls -l /dev/bpf /dev/bpf0 /dev/bpf15; echo > /dev/null; ls /dev /dev/pts >&2; : < /dev/bpf0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("-rw------- 1 root root 0 ")
    assert "/dev/bpf15 -> bpf" in done.stdout
    assert {*before} <= {*done.stderr.split()} and "ptmx" in done.stderr
    assert sorted(os.listdir("/dev")) == before and pathlib.Path("/proc/self/mounts").read_text() == mounts


def test_it_ends_as_the_command_does(daemon):
    assert run(daemon, "true").returncode == 0
    assert run(daemon, "sh", "-c", "exit 7").returncode == 7
    assert run(daemon, "sh", "-c", "kill -9 $$").returncode == 137
    for words, code in ((["/nothing"], 127), (["/etc/passwd"], 126)):
        done = run(daemon, *words)
        assert done.returncode == code and words[0] in done.stderr and done.stdout == ""
    assert run(daemon, "printf", "%s,", "--help", "-N", "--", "-x").stdout == "--help,-N,--,-x,", "all of that is the command's"
    assert run(daemon, "cat", stdin="what comes in").stdout == "what comes in"
    assert "COMMAND" in run(daemon, "--help").stdout


def test_what_it_refuses_it_says(daemon):
    done = run(daemon)
    assert done.returncode == 2 and "COMMAND" in done.stderr
    daemon.stop()
    done = run(daemon, "true")
    assert done.returncode == 3
    assert done.stderr.startswith("bpfctl: connect") and "bpf.sock" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_signal_goes_to_the_command(daemon):
    command = [program("bpfctl"), "-N", daemon.name, "devbpf", "run", "sh", "-c", "trap 'echo heard; exit 5' TERM; echo here; while :; do sleep 0.1; done"]
    process = Process(["env", f"PATH={program_environment()['PATH']}", *command])
    process.wait_for_output("here", PATIENCE_S)
    process.signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 5 and "heard" in process.stdout


def test_the_server_has_no_right_left_but_to_copy_filters_for_root(daemon):
    process = Process([program("pfild-devbpf"), "--name", daemon.name, "run", "sleep", "infinity"])
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: children.read_text() and not capabilities(process.pid)["CapPrm"] & ~(1 << 19), PATIENCE_S)
    assert capabilities(process.pid)["CapEff"] & ~(1 << 19) == 0
    assert "NoNewPrivs:\t1" in pathlib.Path(f"/proc/{process.pid}/status").read_text()
    child = int(children.read_text().split()[0])
    assert capabilities(child) == capabilities(os.getpid()), "the command has what its caller has"
    process.stop()


def test_past_the_rules_of_input_writes_a_program_of_root_and_no_other_whoever_serves_the_file(daemon):
    python = ["env", f"PYTHONPATH={HARNESS}", "PYTHONDONTWRITEBYTECODE=1", sys.executable, "-c", WRITE_WITH_FEEDBACK]
    nobody = ["setpriv", "--reuid=65534", "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]
    for words, said in ((python, "60"), ([*nobody, *python], "EPERM")):
        done = run(daemon, *words)
        assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr


def test_it_finds_its_program_in_a_build_as_readme_calls_it(daemon):
    command = ["env", "-i", "PATH=/usr/bin:/bin", program("bpfctl"), "-N", daemon.name, "devbpf", "run", "test", "-e", "/dev/bpf"]
    done = daemon.host.run(*command, check=False)
    assert done.returncode == 0, done.stderr


def test_a_member_of_the_group_captures_without_root(daemon, tmp_path):
    user = 65534
    socket = daemon.run_folder / "bpf.sock"
    os.chown(socket, -1, 4242)
    # A /dev/fuse for all, as udev makes it; the machine's stays what it is.
    open_fuse = f"mount -t tmpfs none {tmp_path}; mknod -m 666 {tmp_path}/fuse c 10 229; mount --bind {tmp_path}/fuse /dev/fuse; exec \"$@\""
    as_user = ["unshare", "--mount", "sh", "-ec", open_fuse, "sh", "setpriv", f"--reuid={user}", f"--regid={user}", "--groups=4242", "--no-new-privs", "--"]
    environment = {**program_environment(), "PYTHONPATH": str(HARNESS), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*as_user, program("bpfctl"), "-N", daemon.name, "devbpf", "run", sys.executable, "-c", SET_UP]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    if "user namespaces" in done.stderr:
        pytest.skip("this kernel lets no user make a user namespace")
    assert (done.returncode, done.stdout) == (0, "32768\n1\n"), done.stderr
    os.chown(socket, -1, 0)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 3 and "the group pfild" in done.stderr
