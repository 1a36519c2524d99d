# SPDX-License-Identifier: BSD-2-Clause
"""`bpfctl batch`: many changes as one, and how long 1,000 take."""
import time

import pytest

from harness.judges import assert_ends_well
from harness.ping import ping, unanswered

GUARD = '[[interface]]\nname = "eth0"\n'
LINES = """
# what an administrator would write
attach eth0 --unknown drop
hook add cbpf:ping --filter 'icmp or icmp6' --on-match drop --type inet   # quoted as in a shell
hook add "cbpf:old" --filter tcp\\ port\\ 23 --on-match count --type inet
link -i cbpf:ping inet
link -io -a cbpf:old inet
unlink -o cbpf:old inet
"""


def batch(daemon, text, *options):
    return daemon.bpfctl.run(*options, "batch", "-", stdin=text)


def test_all_lines_are_in_force_at_once(host_lab, start_pfild, tmp_path):
    daemon = start_pfild(host_lab.fw)
    done = batch(daemon, LINES)
    assert done.returncode == 0 and "hook cbpf:ping: added" in done.stdout, done
    assert daemon.current_log().count("by user") == 1, "it is one change"
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    heads = {one["name"]: one for one in daemon.bpfctl.json("heads")["heads"]}
    assert (heads["inet"]["in"], heads["inet"]["out"]) == (["cbpf:ping", "cbpf:old"], [])
    assert daemon.bpfctl.interface("eth0")["unknown"] == "drop"
    undo = tmp_path / "undo"
    undo.write_text("hook delete cbpf:ping\nhook delete cbpf:old\ndetach eth0\n")
    daemon.bpfctl("batch", undo)
    assert daemon.bpfctl.json("hooks")["hooks"] == daemon.bpfctl.json("status")["interfaces"] == []
    assert_ends_well(daemon)


@pytest.mark.parametrize("options", ("", "--strict false", "--strict true --unknown pass --mode tc --position first"))
def test_an_attach_in_a_batch_means_what_the_verb_means(host_lab, start_pfild, options):
    daemon = start_pfild(host_lab.fw, config='strict = true\nunknown = "drop"\nposition = "anywhere"\n')
    wanted = lambda: daemon.bpfctl.json("config", "show")["model"]["interfaces"]  # noqa: E731
    daemon.bpfctl("attach", "eth0", *options.split())
    by_verb = wanted()
    daemon.bpfctl("detach", "eth0")
    done = batch(daemon, f"attach eth0 {options}\n")
    assert done.returncode == 0, done
    assert wanted() == by_verb and by_verb[0]["strict"] is ("false" not in options), by_verb


WRONG = {
    "a hook that is not there": ("link -i cbpf:none inet", 1, "no such hook"),
    "what is attached already": ("attach eth0", 1, "already"),
    "an interface that is not there": ("attach none0", 1, "none0"),
    "a filter that means nothing": ("hook add a:b --filter 'icmp icmp icmp' --on-match drop --type inet", 1, "icmp"),
    "a quote that is not closed": ("link -i 'cbpf:ping inet", 2, "quote"),
    "no verb": ("frobnicate", 2, "frobnicate"),
    "a verb that only looks": ("status", 2, "status"),
    "another instance": ("-N other detach eth0", 2, "before batch"),
    "a word too many": ("detach eth0 eth1", 2, "eth1"),
}


@pytest.mark.parametrize("what", WRONG)
def test_after_one_wrong_line_nothing_has_changed_and_it_is_named(host_lab, start_pfild, what):
    line, code, word = WRONG[what]
    daemon = start_pfild(host_lab.fw)
    before = daemon.bpfctl("config", "show")
    done = batch(daemon, LINES + line + "\nlink -o cbpf:ping inet\n")
    assert done.returncode == code and word in done.stderr, done
    assert "line 9" in done.stderr or "none0" in line, done
    assert daemon.bpfctl("config", "show") == before
    assert ping(host_lab.cli, "192.0.2.2", count=2).lost == 0
    assert_ends_well(daemon)


def test_1000_verbs_take_half_a_second(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=GUARD)
    lines = [f"hook add many:{number} --filter 'tcp dst port 23' --on-match drop --type inet --run engine" for number in range(500)]
    lines += [f"link -i many:{number} inet" for number in range(500)]
    began = time.monotonic()
    done = batch(daemon, "\n".join(lines))
    took_s = time.monotonic() - began
    assert done.returncode == 0, done
    assert took_s <= 0.5
    assert len(daemon.bpfctl.json("hooks")["hooks"]) == 500
    assert_ends_well(daemon)
