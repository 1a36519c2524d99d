# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 at any moment of attach, detach, link and rename: the next start leaves no head that nobody serves, and no interface
unguarded whose attach was answered. PFILD_KILLS says how often (30)."""
import json
import os
import random
import time

import pytest

from harness.judges import assert_ends_well, wait_until
from harness.occupants import all_heads, head_names, race
from harness.pfild import TEST_MODE
from harness.ping import ping, unanswered
from harness.process import Process
from harness.programs import program
from harness.rules import guard

CLSACT = 'tc_attach = "clsact"\n'
BOTH_WAYS = pytest.mark.parametrize("config", ["", CLSACT], ids=["tcx", "clsact"])
KILLS = int(os.environ.get("PFILD_KILLS", "30"))
LONGEST_S = 0.25  # of what is interrupted
HEADS = ["pfild_in", "pfild_in_xdp", "pfild_out"] if TEST_MODE == "xdp" else ["pfild_in", "pfild_out"]


class World:
    """Interfaces by index, and what is certain about them: True attached, False not, None the answer never came."""

    def __init__(self, host, daemon, seed):
        self.host, self.daemon, self.random = host, daemon, random.Random(seed)
        self.attached = dict.fromkeys(self.names(), False)
        self.renamed = 0

    def names(self):
        """{index: name} of the interfaces that are tried."""
        links = json.loads(self.host.run("ip", "-j", "link").stdout)
        return {one["ifindex"]: one["ifname"] for one in links if one["ifname"].startswith(("eth", "wan"))}

    def begin(self):
        """Something that the kill interrupts: what to do when it is over."""
        index = self.random.choice(sorted(self.attached))
        name, was = self.names()[index], self.attached[index]
        what = self.random.choice(["rename", "link"] + ["detach" if was else "attach"] * 4)
        if what == "rename":
            self.renamed += 1
            self.host.run("ip", "link", "set", name, "down")
            self.host.run("ip", "link", "set", name, "name", f"wan{self.renamed}")
            self.host.run("ip", "link", "set", f"wan{self.renamed}", "up")
            return what, lambda: None
        words = {"attach": ["attach", name, "--unknown", "drop"], "detach": ["detach", name],
                 "link": [self.random.choice(["link", "unlink"]), "-i", "cbpf:guard", "inet"]}[what]  # fmt: skip
        asked = Process([program("bpfctl"), "-N", self.daemon.name, *words])

        def finish():
            code = asked.wait()
            asked.close()
            if what != "link":
                done = code == 0
                self.attached[index] = (what == "attach") if done else None

        return f"{what} {name}", finish

    def problems(self):
        """After a start."""
        names, heads = self.names(), all_heads(self.host)
        served = {one["ifindex"] for one in self.daemon.bpfctl.json("status")["interfaces"]}
        for index, name in names.items():
            if self.attached[index] is None:
                self.attached[index] = index in served
            if self.attached[index] != (index in served):
                yield f"{name}: attached {self.attached[index]}, and the daemon serves {served}"
            if heads.get(name, []) != (HEADS if index in served else []):
                yield f"{name} has {heads.get(name)}"


@BOTH_WAYS
def test_no_head_is_left_and_no_interface_unguarded(router_lab, start_pfild, config):
    seed = random.SystemRandom().randrange(1 << 30)
    daemon = start_pfild(router_lab.fw, config=config)
    guard(daemon, direction="i")
    world = World(router_lab.fw, daemon, seed)
    for number in range(KILLS):
        doing, finish = world.begin()
        time.sleep(world.random.uniform(0, LONGEST_S))
        daemon.kill9()
        finish()
        daemon.start()
        assert list(world.problems()) == [], (seed, number, doing)
    assert daemon.stop() == 0
    assert all_heads(router_lab.fw) == {}


@BOTH_WAYS
def test_an_interface_that_was_renamed_before_the_kill_is_found_again_with_its_links(router_lab, start_pfild, config):
    daemon, fw = start_pfild(router_lab.fw, config=config), router_lab.fw
    for interface in ("eth0", "eth1"):
        daemon.bpfctl("attach", interface, "--unknown", "drop")
    guard(daemon, "cbpf:zero", "tcp dst port 23", kind="ethernet", head="eth0", direction="i")
    guard(daemon, "cbpf:one", "tcp dst port 24", kind="ethernet", head="eth1", direction="o")
    daemon.kill9()
    for old, new in (("eth0", "tmp0"), ("eth1", "eth0"), ("tmp0", "eth1")):  # they swap names
        fw.run("sh", "-c", f"ip link set {old} down && ip link set {old} name {new} && ip link set {new} up")
    daemon.start()
    found = {head["name"]: (head["in"], head["out"]) for head in daemon.bpfctl.json("heads")["heads"]}
    assert found["eth1"] == (["cbpf:zero"], []) and found["eth0"] == ([], ["cbpf:one"]), found
    assert all_heads(fw) == {"eth0": HEADS, "eth1": HEADS}
    assert "of 6 things" in daemon.current_log() and "not taken over" not in daemon.current_log()
    assert_ends_well(daemon, "eth0", "eth1")


def test_the_running_model_says_what_is_to_be_attached_before_it_is(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    guard(daemon)  # now there is a model
    for _ in range(5):
        waiting = race(host_lab.fw, "eth0", daemon.run_folder / "model")
        daemon.bpfctl("attach", "eth0")
        waiting.wait_for_output("file")
        assert "program" not in waiting.stdout
        daemon.bpfctl("detach", "eth0")
    assert_ends_well(daemon)


def test_heads_of_a_killed_daemon_whose_models_are_lost_are_removed_and_that_is_said(router_lab, start_pfild):
    daemon = start_pfild(router_lab.fw)
    for interface in ("eth0", "eth1"):
        daemon.bpfctl("attach", interface, "--unknown", "drop")
    daemon.kill9()
    (daemon.run_folder / "model").unlink()
    (daemon.state_folder / "confirmed").unlink(missing_ok=True)
    router_lab.fw.run("sh", "-c", "ip link set eth1 down && ip link set eth1 name wan1 && ip link set wan1 up")
    daemon.start()
    assert all_heads(router_lab.fw) == {}
    for interface in ("eth0", "wan1"):
        assert f"{interface}: removed a head that nobody serves: " in daemon.current_log()
    assert daemon.stop() == 0


def test_heads_that_cannot_be_replaced_stay_rather_than_leave_the_interface_open(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0", "--unknown", "drop", "--mode", "tc")
    daemon.kill9()
    host_lab.fw.run("ip", "link", "set", "eth0", "mtu", 65535)
    daemon.start()
    assert head_names(host_lab.fw, "eth0") == ["pfild_in", "pfild_out"]
    assert "eth0: the heads of the killed daemon stay" in daemon.current_log()
    assert daemon.bpfctl.json("status")["waited_for"] == ["eth0"]
    assert unanswered(host_lab.cli, "192.0.2.2")
    host_lab.fw.run("ip", "link", "set", "eth0", "mtu", 1500)
    assert wait_until(lambda: daemon.bpfctl.json("status")["waited_for"] == [])
    assert ping(host_lab.cli, "192.0.2.2").lost == 0
    assert_ends_well(daemon)
