# SPDX-License-Identifier: BSD-2-Clause
"""The daemon as a process: start, stop, configuration, reload, rights, and what it leaves."""
import json
import os
import re
import shutil
import tempfile

import pytest

from harness.flow import UdpFlow
from harness.judges import assert_balanced, assert_ends_well, heads, left_behind, offloads, qdiscs, tc_filters, wait_until
from harness.pfild import Pfild
from harness.ping import ping, unanswered
from harness.programs import program
from harness.rules import counted, guard

NEEDED = ["CAP_BPF", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_SYS_ADMIN"]

BLOCK_PING = """
unknown = "drop"

[[interface]]
name = "eth0"

[[hook]]
name = "cbpf:ping"
type = "inet"
on_match = "drop"
filter = "icmp"

[[link]]
hook = "cbpf:ping"
head = "inet"
directions = ["in"]
"""


@pytest.fixture
def configured(host_lab, tmp_path, start_pfild):
    """start(text): a daemon with that configuration; start.path is the file."""
    def start(text):
        start.path.write_text(text)
        return start_pfild(host_lab.fw, options=("--config", str(start.path)))

    start.path = tmp_path / "pfild.toml"
    return start


def own(name):
    """A name of an instance that no other test session uses."""
    return f"t{os.getpid()}-{name}"


def run_pfild(host, *options, before=()):
    return host.run(*before, program("pfild"), *options, check=False, timeout_s=30)


def test_a_second_daemon_of_the_same_name_is_refused_and_the_pid_of_the_first_is_named(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    before = heads(host_lab.fw)
    second = run_pfild(host_lab.fw, "--name", daemon.name)
    assert second.returncode == 1
    assert f"process {daemon.pid} runs an instance of this name already" in second.stderr
    assert second.stderr.count("\n") == 1
    assert daemon.bpfctl.json("version")["pid"] == daemon.pid
    assert heads(host_lab.fw) == before
    assert_ends_well(daemon)


def test_a_name_is_free_again_after_stop_and_after_kill_9(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    for end in (daemon.stop, daemon.kill9, daemon.stop):
        end()
        daemon.start()
        assert daemon.bpfctl.json("version")["pid"] == daemon.pid
    assert_ends_well(daemon)


@pytest.mark.parametrize("hooked", [False, True])
def test_sigterm_detaches_everything_and_leaves_nothing(router_lab, start_pfild, hooked):
    fw = router_lab.fw
    before = [(tc_filters(fw, one), qdiscs(fw, one), offloads(fw, one)) for one in ("eth0", "eth1")]
    daemon = start_pfild(fw)
    for interface in ("eth0", "eth1"):
        daemon.bpfctl("attach", interface)
    if hooked:
        guard(daemon, "cbpf:count", "greater 0", "ethernet", on_match="count")
    assert ping(router_lab.cli, "198.51.100.1", count=20).lost == 0
    assert_balanced(daemon)
    assert daemon.stop() == 0
    assert left_behind(daemon, "eth0", "eth1") == []
    assert [(tc_filters(fw, one), qdiscs(fw, one), offloads(fw, one)) for one in ("eth0", "eth1")] == before
    assert not (daemon.run_folder / "control.sock").exists()
    assert ping(router_lab.cli, "198.51.100.1", count=20).lost == 0


def test_sigterm_under_load_loses_no_incoming_packet(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:count", "udp", on_match="count", direction="i")
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=20_000, count=1_000_000)
    assert wait_until(lambda: counted(daemon, "cbpf:count")["matched"] > 1000)
    assert daemon.stop() == 0
    result = flow.finish(early=True)
    assert (result.lost, result.duplicated) == (0, 0), result


def test_a_configuration_is_in_force_once_the_daemon_answers(host_lab, configured):
    daemon = configured(BLOCK_PING)
    assert daemon.bpfctl.interface("eth0")["unknown"] == "drop"
    assert unanswered(host_lab.cli, "192.0.2.2", count=10)
    assert ping(host_lab.cli, "2001:db8:1::2", count=10).lost == 0
    assert counted(daemon, "cbpf:ping")["dropped"] >= 1
    assert daemon.bpfctl.hook("cbpf:ping")["filter"] == "icmp"
    assert_ends_well(daemon)


def test_sighup_reads_the_configuration_again_and_changes_only_what_differs(host_lab, configured):
    daemon = configured(BLOCK_PING)
    attached = heads(host_lab.fw)
    configured.path.write_text(BLOCK_PING.replace('on_match = "drop"', 'on_match = "count"'))
    daemon.reload()
    assert wait_until(lambda: daemon.bpfctl.hook("cbpf:ping")["on_match"] == "count")
    assert ping(host_lab.cli, "192.0.2.2", count=10).lost == 0
    assert counted(daemon, "cbpf:ping")["matched"] == 10
    assert heads(host_lab.fw) == attached
    configured.path.write_text('unknown = "drop"\n')
    daemon.reload()
    assert wait_until(lambda: daemon.bpfctl.json("status")["interfaces"] == [])
    assert daemon.bpfctl.json("hooks")["hooks"] == [] and heads(host_lab.fw) == {"ingress": [], "egress": []}
    configured.path.write_text(BLOCK_PING)
    daemon.reload()
    assert wait_until(lambda: daemon.bpfctl.json("status")["interfaces"] != [])
    assert wait_until(lambda: unanswered(host_lab.cli, "192.0.2.2", count=3))
    assert_ends_well(daemon)


def dropped(daemon):
    """Incoming packets, by a hook or because their flow is known."""
    lane = daemon.bpfctl.json("stats")["interfaces"]["eth0"]["in"]
    return lane["engine_dropped"] + lane["dropped_known"]


@pytest.mark.parametrize("flows", [65536, 0])
def test_PF_17_a_reload_that_puts_one_drop_in_place_of_another_lets_no_packet_slip_through(host_lab, configured, flows):
    block_udp = f"flows = {flows}\n" + BLOCK_PING.replace('filter = "icmp"', 'bytecode = "udp.bpf"')
    (configured.path.parent / "udp.bpf").write_text("1\n6 0 0 1\n")
    files = [block_udp, block_udp.replace("cbpf:ping", "cbpf:other")]
    daemon = configured(files[0])
    flow = UdpFlow(host_lab.cli, host_lab.fw, "192.0.2.2", rate_pps=20_000, count=2_000_000)
    for number in range(1, 21):
        configured.path.write_text(files[number % 2])
        daemon.reload()
        name = "cbpf:other" if number % 2 else "cbpf:ping"
        assert wait_until(lambda: [hook["name"] for hook in daemon.bpfctl.json("hooks")["hooks"]] == [name])  # noqa: B023
        at_reload = dropped(daemon)
        assert wait_until(lambda: dropped(daemon) > at_reload + 100)  # noqa: B023
    assert flow.running()
    assert flow.finish(early=True).received == 0
    assert_ends_well(daemon)


def test_sighup_with_a_broken_file_changes_nothing_and_says_where_it_is_broken(host_lab, configured):
    daemon = configured(BLOCK_PING)
    before = daemon.bpfctl.json("heads"), heads(host_lab.fw)
    configured.path.write_text(BLOCK_PING.replace('on_match = "drop"', 'on_match = "explode"'))
    daemon.reload()
    assert wait_until(lambda: "the old configuration stays in force" in daemon.current_log())
    assert wait_until(lambda: re.search(r"pfild\.toml:\d+:\d+: hook\[1\]\.on_match: must be", daemon.current_log()))
    assert (daemon.bpfctl.json("heads"), heads(host_lab.fw)) == before
    assert unanswered(host_lab.cli, "192.0.2.2", count=5)
    assert_ends_well(daemon)


@pytest.fixture
def in_kernel(host_lab, configured):
    """BLOCK_PING, which is to run in the kernel; and the same of a program that cannot."""
    can = BLOCK_PING.replace("[[link]]", 'run = "kernel"\n\n[[link]]')
    return can, can.replace('"icmp"', '"tcp[20:4] = 0x47455420"')  # a checksum could be there


def test_a_start_whose_hook_cannot_run_in_the_kernel_as_it_says_is_refused(host_lab, configured, in_kernel):
    configured.path.write_text(in_kernel[1])
    daemon = Pfild(host_lab.fw, name=own("promise"), start=False)
    daemon.bpfctl("config", "compile", "--config", configured.path)
    failed = run_pfild(host_lab.fw, "--name", own("promise"), "--config", configured.path)
    assert failed.returncode == 1 and "cbpf:ping" in failed.stderr and "checksum" in failed.stderr, failed.stderr
    assert left_behind(daemon, "eth0") == []
    daemon.close()
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0


def test_a_reload_whose_hook_cannot_run_in_the_kernel_as_it_says_is_taken_back(host_lab, configured, in_kernel):
    daemon = configured(in_kernel[0])
    before = daemon.bpfctl.json("heads"), heads(host_lab.fw)
    configured.path.write_text(in_kernel[1])
    daemon.reload()
    assert wait_until(lambda: "the old configuration stays in force" in daemon.current_log())
    assert re.search("cbpf:ping.*checksum", daemon.current_log())
    assert (daemon.bpfctl.json("heads"), heads(host_lab.fw)) == before
    hook = daemon.bpfctl.hook("cbpf:ping")
    assert hook["filter"] == "icmp" and [run["where"] for run in hook["runs"]] == ["kernel"]
    assert unanswered(host_lab.cli, "192.0.2.2", count=5)
    assert_ends_well(daemon)


def test_sighup_without_a_configuration_file_is_harmless(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    daemon.reload()
    assert wait_until(lambda: "no configuration file" in daemon.current_log())
    assert daemon.bpfctl.interface("eth0")["state"] == "attached"
    assert_ends_well(daemon)


# what it is; the file; exit code; what is said
CHECKED = [
    ("a good file", BLOCK_PING, 0, ": ok"),
    ("an empty file", "", 0, ": ok"),
    ("a key that is none", "colour = 5\n", 2, ":1:1: colour: is not known"),
    ("no TOML", "[[hook\n", 2, "pfild.toml:1:"),
    ("a word that is none", 'unknown = "maybe"\n', 2, ":1:11: unknown: must be 'pass', 'drop' or 'closed'"),
    ("a number that is text", 'buffers = "many"\n', 2, ":1:11: buffers: must be a whole number"),
    ("a link to nothing", BLOCK_PING.replace('hook = "cbpf:ping"', 'hook = "cbpf:other"'), 2, "no hook of that name"),
    ("an interface twice", BLOCK_PING + '\n[[interface]]\nname = "eth0"\n', 2, "'eth0' is there twice"),
    ("bytecode that is not there", BLOCK_PING.replace('filter = "icmp"', 'bytecode = "other.bpf"'), 2, "other.bpf"),
]


@pytest.mark.parametrize("what, text, code, says", CHECKED, ids=[row[0] for row in CHECKED])
def test_check_says_what_is_wrong_and_where_and_starts_nothing(host_lab, configured, what, text, code, says):
    configured.path.write_text(text)
    done = run_pfild(host_lab.fw, "--name", own("check"), "--check", "--config", configured.path)
    assert (done.returncode, says in done.stdout + done.stderr) == (code, True), (what, done.stdout, done.stderr)
    assert heads(host_lab.fw) == {"ingress": [], "egress": []}


def test_a_file_that_check_refuses_does_not_start_either(host_lab, configured):
    configured.path.write_text('unknown = "maybe"\n')
    done = run_pfild(host_lab.fw, "--name", own("check"), "--config", configured.path)
    assert done.returncode == 2 and "unknown: must be" in done.stderr
    missing = run_pfild(host_lab.fw, "--name", own("check"), "--config", "/no/such/file.toml")
    assert missing.returncode == 2 and "/no/such/file.toml" in missing.stderr


@pytest.mark.parametrize("options", [["--colour"], ["--name", "a/b"], ["--name", ""], ["--log-level", "loud"], ["--check"]])
def test_a_wrong_command_line_is_exit_2(host_lab, options):
    done = run_pfild(host_lab.fw, *options)
    assert done.returncode == 2 and done.stderr, done


@pytest.mark.parametrize("missing", NEEDED)
def test_a_start_without_a_capability_names_it_and_only_it(host_lab, missing):
    drop = ["setpriv", f"--bounding-set=-{missing[4:].lower()}", f"--inh-caps=-{missing[4:].lower()}"]
    done = run_pfild(host_lab.fw, "--name", own("rights"), before=drop)
    assert done.returncode == 1, done
    assert [name for name in NEEDED if name in done.stderr] == [missing]
    assert done.stderr.count("\n") == 1


def test_a_start_as_nobody_names_all_that_is_missing(host_lab):
    """A copy is started, because nobody may not look into every build folder."""
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
    with tempfile.TemporaryDirectory(prefix="pfild-nobody-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        copy = shutil.copy(program("pfild"), folder)
        done = host_lab.fw.run(*drop, copy, "--name", own("rights"), check=False)
    assert done.returncode == 1, done
    assert all(name in done.stderr for name in NEEDED), done.stderr


def test_netns_guards_another_namespace_than_the_callers(host_lab, start_pfild):
    """Started in cli, it guards fw."""
    daemon = start_pfild(host_lab.cli, config='tc_attach = "clsact"\n', options=("--netns", host_lab.fw.namespace))
    daemon.bpfctl("attach", "eth0")
    guard(daemon, "cbpf:ping", "icmp", direction="i")
    assert [len(side) for side in heads(host_lab.fw).values()] == [1, 1]
    assert heads(host_lab.cli) == {"ingress": [], "egress": []}
    assert unanswered(host_lab.cli, "192.0.2.2", count=5)
    assert daemon.stop() == 0
    assert heads(host_lab.fw) == {"ingress": [], "egress": []}
    refused = run_pfild(host_lab.fw, "--name", own("netns"), "--netns", "nosuchnamespace")
    assert refused.returncode == 1 and "nosuchnamespace" in refused.stderr


def test_the_control_socket_is_for_root_alone(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    path = daemon.run_folder / "control.sock"
    assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_uid == 0
    assert json.loads(daemon.bpfctl.run("--json", "version").stdout)["instance"] == daemon.name
