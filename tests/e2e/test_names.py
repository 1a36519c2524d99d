# SPDX-License-Identifier: BSD-2-Clause
"""Interfaces are wanted by name, by alternative name or by pattern: one resolver for all verbs and the file."""
import pytest

from harness.judges import assert_ends_well, wait_until
from harness.ping import ping, unanswered
from harness.programs import program
from harness.rules import add_hook

LONGEST = "n" * 127  # what the kernel takes
OTHER_NAMES = pytest.mark.parametrize("name", ["enp9s0", "e" * 15, "e" * 16, LONGEST], ids=["short", "15", "16", "127"])
ITEM = '[[interface]]\nname = "{}"\n'
RULE = '[[hook]]\nname = "file:a"\ntype = "ethernet"\non_match = "drop"\nfilter = "icmp"\nrun = "{run}"\n'
LINK = '[[link]]\nhook = "file:a"\nhead = "{}"\ndirections = ["in"]\n'


def add_altname(host, name, interface="eth0"):
    host.run("ip", "link", "property", "add", "dev", interface, "altname", name)


def delete_altname(host, name, interface="eth0"):
    host.run("ip", "link", "property", "del", "dev", interface, "altname", name)


def attached(daemon):
    return sorted(one["name"] for one in daemon.bpfctl.json("status")["interfaces"])


def waited_for(daemon):
    return daemon.bpfctl.json("status")["waited_for"]


def head(daemon, name):
    return next(one for one in daemon.bpfctl.json("heads")["heads"] if one["name"] == name)


def add_pair(host, name, up=True):
    host.run("ip", "link", "add", name, "type", "veth", "peer", "name", "p-" + name)
    if up:
        for one in (name, "p-" + name):
            host.run("ip", "link", "set", one, "up")


def rename(host, before, after):
    host.run("ip", "link", "set", before, "name", after)


@OTHER_NAMES
def test_F4_all_verbs_know_an_interface_by_its_alternative_name(host_lab, start_pfild, name):
    add_altname(host_lab.fw, name)
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", name)
    assert attached(daemon) == ["eth0"]
    assert daemon.bpfctl.refused("attach", "eth0").exit_code == 1, "it is attached"
    assert daemon.bpfctl.refused("attach", name).exit_code == 1
    add_hook(daemon, "cbpf:no-ping", "icmp", kind="ethernet")
    daemon.bpfctl("link", "-i", "cbpf:no-ping", name)
    assert head(daemon, "eth0")["in"] == ["cbpf:no-ping"]
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    capture = host_lab.fw.popen(program("bpfctl"), "-N", daemon.name, "capture", name, "-c", "1", "icmp")
    capture.wait_for_output("capturing on")
    ping(host_lab.cli, "192.0.2.2", count=1, patience_s=0.5)
    assert capture.wait(10) == 0
    daemon.bpfctl("unlink", "-i", "cbpf:no-ping", name)
    assert head(daemon, "eth0")["in"] == []
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    daemon.bpfctl("detach", name)
    assert attached(daemon) == []
    assert daemon.bpfctl.refused("detach", name).exit_code == 1
    assert_ends_well(daemon)


@OTHER_NAMES
def test_F4_the_file_names_an_interface_by_its_alternative_name(host_lab, start_pfild, name):
    add_altname(host_lab.fw, name)
    daemon = start_pfild(host_lab.fw, config=ITEM.format(name) + RULE.format(run="auto") + LINK.format(name))
    assert attached(daemon) == ["eth0"] and waited_for(daemon) == []
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    daemon.kill9()
    daemon.start()
    assert attached(daemon) == ["eth0"] and waited_for(daemon) == []
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    add_hook(daemon, "cbpf:count", "icmp", kind="ethernet", on_match="count")
    for one in ("eth0", name):  # either name leads to the one head
        daemon.bpfctl("link", "-o", "cbpf:count", one)
        assert head(daemon, "eth0")["out"] == ["cbpf:count"]
        daemon.bpfctl("unlink", "-o", "cbpf:count", "eth0")
    daemon.bpfctl("detach", "eth0")
    assert attached(daemon) == []
    assert_ends_well(daemon)


def test_an_alternative_name_that_comes_or_goes_is_followed(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=ITEM.format("wan-port") + RULE.format(run="auto") + LINK.format("wan-port"))
    assert attached(daemon) == [] and waited_for(daemon) == ["wan-port"]
    add_altname(host_lab.fw, "wan-port")
    assert wait_until(lambda: attached(daemon) == ["eth0"])
    assert waited_for(daemon) == []
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    delete_altname(host_lab.fw, "wan-port")
    assert wait_until(lambda: waited_for(daemon) == ["wan-port"])
    assert attached(daemon) == []
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    assert_ends_well(daemon)


@pytest.mark.parametrize("how", ["at the start", "by a reload", "after a crash"])
def test_a_missing_interface_keeps_no_other_from_being_guarded_and_status_lists_it(host_lab, start_pfild, how):
    missing = ITEM.format("late0") + ITEM.format("no-such-altname")
    rules = RULE.format(run="auto") + LINK.format("eth0")
    with_missing = missing + ITEM.format("eth0") + rules
    daemon = start_pfild(host_lab.fw, config=with_missing if how == "at the start" else ITEM.format("eth0"))
    if how != "at the start":
        daemon.configure(with_missing)
    if how == "by a reload":
        daemon.reload()
    if how == "after a crash":
        daemon.kill9()
        daemon.start()
    assert wait_until(lambda: waited_for(daemon) == ["late0", "no-such-altname"])
    assert attached(daemon) == ["eth0"]
    assert "Waited for, not guarded yet: late0, no-such-altname\n" in daemon.bpfctl("status")
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    add_pair(host_lab.fw, "late0")
    assert wait_until(lambda: attached(daemon) == ["eth0", "late0"])
    assert wait_until(lambda: "Waited for, not guarded yet: no-such-altname\n" in daemon.bpfctl("status"))
    assert_ends_well(daemon)


def test_a_rule_can_be_linked_to_what_is_waited_for(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=ITEM.format("late0"))
    add_hook(daemon, "cbpf:a", "icmp", kind="ethernet")
    daemon.bpfctl("link", "-i", "cbpf:a", "late0")
    add_pair(host_lab.fw, "late0")
    assert wait_until(lambda: attached(daemon) == ["late0"])
    assert head(daemon, "late0")["in"] == ["cbpf:a"]
    assert_ends_well(daemon)


def pattern_of_bpfctl(host, start_pfild):
    daemon = start_pfild(host)
    daemon.bpfctl("attach", "veth*", "--unknown", "drop")
    add_hook(daemon, "file:a", "icmp", kind="ethernet")
    daemon.bpfctl("link", "-i", "file:a", "veth*")
    return daemon


def pattern_of_the_file(host, start_pfild):
    return start_pfild(host, config='unknown = "drop"\n' + ITEM.format("veth*") + RULE.format(run="engine") + LINK.format("veth*"))


PATTERNS = pytest.mark.parametrize("wanted", [pattern_of_bpfctl, pattern_of_the_file])


@PATTERNS
def test_a_pattern_means_what_is_there_what_comes_and_what_is_renamed(host_lab, start_pfild, wanted):
    fw = host_lab.fw
    add_pair(fw, "veth1")
    daemon = wanted(fw, start_pfild)
    assert attached(daemon) == ["veth1"]
    status = daemon.bpfctl.json("status")
    assert status["patterns"] == ["veth*"] and status["waited_for"] == []
    assert "Guarded as they come: interfaces called veth*\n" in daemon.bpfctl("status")
    add_pair(fw, "veth2")
    assert wait_until(lambda: attached(daemon) == ["veth1", "veth2"])
    one = daemon.bpfctl.interface("veth2")
    assert (one["unknown"], one["wanted_by"]) == ("drop", "veth*")
    assert head(daemon, "veth2")["in"] == ["file:a"]
    assert head(daemon, "veth*")["covers"] == ["veth1", "veth2"]
    rename(fw, "veth1", "other0")
    assert wait_until(lambda: attached(daemon) == ["veth2"]), "out of the pattern"
    rename(fw, "eth0", "veth9")
    assert wait_until(lambda: attached(daemon) == ["veth2", "veth9"]), "into the pattern"
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    rename(fw, "veth9", "veth10")
    assert wait_until(lambda: attached(daemon) == ["veth10", "veth2"])
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    fw.run("ip", "link", "del", "veth2")
    assert wait_until(lambda: attached(daemon) == ["veth10"])
    daemon.kill9()
    add_pair(fw, "veth3")
    daemon.start()
    assert attached(daemon) == ["veth10", "veth3"]
    assert unanswered(host_lab.cli, "192.0.2.2", count=3)
    assert daemon.bpfctl.json("status")["patterns"] == ["veth*"]
    rename(fw, "veth10", "eth0")
    assert wait_until(lambda: attached(daemon) == ["veth3"])
    assert ping(host_lab.cli, "192.0.2.2", count=3).lost == 0
    assert_ends_well(daemon)


@PATTERNS
def test_an_interface_that_is_detached_is_left_alone_until_it_is_attached_by_name(host_lab, start_pfild, wanted):
    fw = host_lab.fw
    for name in ("veth1", "veth2"):
        add_pair(fw, name)
    daemon = wanted(fw, start_pfild)
    daemon.bpfctl("detach", "veth1")
    assert attached(daemon) == ["veth2"]
    assert daemon.bpfctl.json("status")["left_alone"] == ["veth1"]
    fw.run("ip", "link", "set", "veth1", "mtu", "1400")
    add_pair(fw, "veth3")
    assert wait_until(lambda: attached(daemon) == ["veth2", "veth3"]), "veth1 stays as it is"
    assert daemon.bpfctl.refused("detach", "veth1").exit_code == 1
    daemon.bpfctl("attach", "veth1", "--unknown", "pass")
    one = daemon.bpfctl.interface("veth1")
    assert (one["unknown"], one["wanted_by"]) == ("pass", "veth1"), "a name is closer than a pattern"
    assert head(daemon, "veth1")["in"] == ["file:a"], "and rules of the pattern count"
    daemon.bpfctl("detach", "veth1")
    fw.run("ip", "link", "del", "veth1")
    assert wait_until(lambda: daemon.bpfctl.json("status")["left_alone"] == [])
    add_pair(fw, "veth1")
    assert wait_until(lambda: attached(daemon) == ["veth1", "veth2", "veth3"]), "another one of that name"
    daemon.bpfctl("detach", "veth*")
    assert attached(daemon) == []
    assert_ends_well(daemon)


def test_one_that_cannot_be_attached_is_told_and_keeps_no_other_from_it(host_lab, start_pfild):
    fw = host_lab.fw
    fw.run("ip", "tuntap", "add", "x-tun", "mode", "tun")
    add_pair(fw, "x-1")
    daemon = start_pfild(fw)
    daemon.bpfctl("attach", "x-*")
    assert attached(daemon) == ["x-1"]
    assert waited_for(daemon) == ["x-tun"]
    add_pair(fw, "x-2")
    assert wait_until(lambda: attached(daemon) == ["x-1", "x-2"])
    daemon.bpfctl("detach", "x-*")
    assert waited_for(daemon) == []
    assert_ends_well(daemon)


def test_the_pattern_of_all_means_neither_lo_nor_ports_of_any_instance(host_lab, start_pfild):
    other = start_pfild(host_lab.fw)
    other.bpfctl("attach", "eth0")
    add_pair(host_lab.fw, "x1")
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "*")
    add_pair(host_lab.fw, "x2")
    assert wait_until(lambda: attached(daemon) == ["p-x1", "p-x2", "x1", "x2"])
    assert waited_for(daemon) == ["eth0"], "the other instance has it"
    other.bpfctl("detach", "eth0")
    assert wait_until(lambda: "eth0" in attached(daemon))
    assert waited_for(daemon) == []
    assert daemon.stop() == 0
    assert other.stop() == 0


MISTAKES = [
    ("a name that is too long", ITEM.format("n" * 128), "must be 1 to 127 visible ASCII characters"),
    ("a link to a pattern that is not wanted", ITEM.format("veth*") + RULE.format(run="auto") + LINK.format("eth*"), "link[1].head"),
    ("a link to an interface that no pattern means", ITEM.format("veth*") + RULE.format(run="auto") + LINK.format("eth0"), "link[1].head"),
    ("a link to one that is left alone", '[[interface]]\nname = "x"\nwanted = false\n' + RULE.format(run="auto") + LINK.format("x"), "link[1].head"),
]


@pytest.mark.parametrize("what, text, said", MISTAKES, ids=[row[0] for row in MISTAKES])
def test_mistakes_of_the_file_are_told(host_lab, tmp_path, what, text, said):
    file = tmp_path / "pfild.toml"
    file.write_text(text)
    done = host_lab.fw.run(program("pfild"), "--check", "--config", file, check=False)
    assert done.returncode == 2 and said in done.stderr, done


def test_the_file_leaves_alone_what_it_says(host_lab, start_pfild):
    add_pair(host_lab.fw, "veth1")
    daemon = start_pfild(host_lab.fw, config=ITEM.format("*") + '[[interface]]\nname = "p-*"\nwanted = false\n')
    assert attached(daemon) == ["eth0", "veth1"]
    add_pair(host_lab.fw, "veth2")
    assert wait_until(lambda: attached(daemon) == ["eth0", "veth1", "veth2"])
    assert daemon.bpfctl.json("status")["left_alone"] == ["p-*"]
    assert_ends_well(daemon)
