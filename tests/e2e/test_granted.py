# SPDX-License-Identifier: BSD-2-Clause
"""`[[peer]]` gives a user some verbs of the control socket: exactly these, to exactly him, from one reload to the next."""
import json
import stat
import subprocess

import pytest

from harness.control import Control, socket_path
from harness.judges import assert_ends_well, wait_until
from harness.programs import program

STRANGER, ANOTHER = 65534, 65533  # nobody, and somebody who has no name
ALL = [
    "version", "status", "attach", "detach", "heads", "hooks", "hook-add", "hook-show", "hook-delete", "link", "unlink", "stats", "flows",
    "flows-flush", "peers", "monitor", "hook-replace", "hook-disable", "hook-enable",
]  # fmt: skip
ASK = """
import json, socket, sys
control = socket.socket(socket.AF_UNIX)
control.settimeout(20)
control.connect(sys.argv[1])
lines = control.makefile()
print(json.dumps("connected"), flush=True)
for request in sys.stdin:
    control.sendall(request.encode())
    print(lines.readline().strip() or json.dumps("closed"), flush=True)
"""


class Somebody:
    """A process of another user that is connected to the control socket."""

    def __init__(self, daemon, uid):
        self._process = subprocess.Popen(["/usr/bin/python3", "-c", ASK, socket_path(daemon.name)], user=uid, group=uid, extra_groups=[],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        self.connected = self._process.stdout.readline() != ""

    def ask(self, verb, **arguments):
        """`ok` or the name of the error; `closed`."""
        request = json.dumps({"protocol": 2, "id": 1, "verb": verb, "arguments": arguments})
        print(request, file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline() or '"closed"')
        return answer if isinstance(answer, str) else "ok" if answer["ok"] else answer["error"]["errno"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def peer(user, *verbs):
    return f"[[peer]]\nuser = {json.dumps(user)}\nverbs = {json.dumps(verbs)}\n"


def mode_of(daemon):
    return stat.S_IMODE((daemon.run_folder / "control.sock").stat().st_mode)


def granted(daemon):
    return [(grant["user"], grant["uid"], grant["verbs"]) for grant in daemon.bpfctl.json("status")["granted"]]


def reload_until(daemon, config, expected):
    daemon.configure(config)
    daemon.reload()
    assert wait_until(lambda: granted(daemon) == expected, 10), granted(daemon)


@pytest.mark.parametrize("user", ["nobody", STRANGER, str(STRANGER)], ids=["by name", "by number", "by digits"])
def test_a_peer_may_use_its_verbs_and_no_others(host_lab, start_pfild, user):
    given = {"attach", "version", "hook-delete"}
    daemon = start_pfild(host_lab.fw, config=peer(user, *sorted(given)))
    with Somebody(daemon, STRANGER) as somebody:
        assert somebody.connected
        answers = {verb: somebody.ask(verb) for verb in ALL}
        # The arguments of two are missing, so they could be asked; of all others nothing but the right is looked at.
        assert answers == {verb: {"version": "ok"}.get(verb, "EINVAL") if verb in given else "EACCES" for verb in ALL}
        assert somebody.ask("attach", interface="eth0") == "ok"
        assert somebody.ask("detach", interface="eth0") == "EACCES"
        assert somebody.ask("nonsense") == "ENOSYS"
    assert [one["name"] for one in daemon.bpfctl.json("status")["interfaces"]] == ["eth0"]
    with Somebody(daemon, ANOTHER) as another:
        assert another.ask("version") in ("EACCES", "closed")
    assert_ends_well(daemon)


def test_a_reload_gives_and_takes_rights_and_opens_and_closes_the_socket(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config="")
    assert mode_of(daemon) == 0o600 and granted(daemon) == []
    with Somebody(daemon, STRANGER) as somebody:
        assert not somebody.connected
    reload_until(daemon, peer(STRANGER, "version"), [("65534", STRANGER, ["version"])])
    assert mode_of(daemon) == 0o666
    with Somebody(daemon, STRANGER) as somebody:
        assert (somebody.ask("version"), somebody.ask("status")) == ("ok", "EACCES")
        reload_until(daemon, peer("nobody", "status"), [("nobody", STRANGER, ["status"])])
        assert (somebody.ask("version"), somebody.ask("status")) == ("EACCES", "ok")
        reload_until(daemon, peer(ANOTHER, "status"), [(str(ANOTHER), ANOTHER, ["status"])])
        assert somebody.ask("status") == "closed"
    reload_until(daemon, "", [])
    assert mode_of(daemon) == 0o600
    assert_ends_well(daemon)


def test_a_bad_peer_is_a_mistake_of_the_files_and_the_old_peers_stay(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=peer(STRANGER, "version"))
    bad = [
        (peer("no-such-user", "version"), ":2:8: peer[1].user: there is no user 'no-such-user' in /etc/passwd"),
        (peer(STRANGER, "versoin"), ":3:10: peer[1].verbs: there is no verb 'versoin' (did you mean 'version'?)"),
        (peer(STRANGER), ":3:9: peer[1].verbs: must have 1 to 64 items"),
        (peer(STRANGER, "version") + peer("nobody", "status"), ":5:8: peer[2].user: 'nobody' is there twice, as '65534', too"),
    ]
    file = daemon.run_folder.parent / f"{daemon.name}-bad.toml"
    try:
        for config, mistake in bad:
            file.write_text(config)
            checked = subprocess.run([program("pfild"), "--config", file, "--check"], capture_output=True, text=True, timeout=30)
            assert checked.returncode == 2 and f"{file}{mistake}" in checked.stderr, checked
    finally:
        file.unlink(missing_ok=True)
    daemon.configure(bad[0][0] + '[[interface]]\nname = "eth0"\n')
    daemon.reload()
    assert wait_until(lambda: "no-such-user" in daemon.current_log(), 10), daemon.current_log()
    status = daemon.bpfctl.json("status")
    assert status["interfaces"] == [] and [one["uid"] for one in status["granted"]] == [STRANGER]
    with Somebody(daemon, STRANGER) as somebody:
        assert somebody.ask("version") == "ok"
    assert_ends_well(daemon)


def test_peers_outlive_a_crash_and_are_in_force_before_the_files_are_good_again(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=peer("nobody", "version"))
    daemon.kill9()
    daemon.configure("buffers = nonsense\n")
    daemon.start(compiled=False)
    assert granted(daemon) == [("nobody", STRANGER, ["version"])] and mode_of(daemon) == 0o666
    with Somebody(daemon, STRANGER) as somebody:
        assert (somebody.ask("version"), somebody.ask("status")) == ("ok", "EACCES")
    with Control(daemon.name) as control:
        assert control.call("status", {})["result"]["started_from"] == "failsafe: running model"
    assert_ends_well(daemon)
