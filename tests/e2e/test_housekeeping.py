# SPDX-License-Identifier: BSD-2-Clause
"""However often a daemon looks after what it has made, or is told to change it, it holds no more than before.

An announcement that the interface has changed starts the same look as the clock does each second."""
import time

import pytest

from harness.control import Control
from harness.device import Device
from harness.holdings import holdings, most
from harness.judges import assert_ends_well, wait_until, xdp_program
from harness.rules import add_hook, guard

MODES = {
    "tcx": 'mode = "tc"\n',
    "clsact": 'mode = "tc"\ntc_attach = "clsact"\n',
    "xdp": 'mode = "xdp"\n',
    "tap": 'mode = "tap"\n',
}
FILTERS = ["tcx", "clsact", "xdp"]
ROUNDS = 1000
WARM = 50  # what is made at the first use only has been made by then
LOOKS = 10  # of these the most counts


def ask(control, verb, arguments):
    answer = control.call(verb, arguments)
    assert answer["ok"], answer
    return answer["result"]


def assert_holds_no_more(daemon, act, times, warm=WARM):
    """After act(0), act(1), .. `times` times more than after `warm` times."""
    looks = []
    for number in range(warm):
        act(number)
        looks += [holdings(daemon)] if number >= warm - LOOKS else []
    before = most(looks)
    for number in range(times):
        act(number)
    # A descriptor may be there for the moment in which somebody is served.
    assert wait_until(lambda: not holdings(daemon).growth(before)), holdings(daemon).growth(before)


def change_of_mtu(host, control):
    """A change of the interface that the daemon has seen at the return."""

    def change(number):
        mtu = 1400 + number % 2
        host.run("ip", "link", "set", "dev", "eth0", "mtu", mtu)
        assert wait_until(lambda: ask(control, "status", {})["interfaces"][0]["mtu"] == mtu, step_s=0.001)

    return change


@pytest.mark.parametrize("mode", MODES)
def test_1000_rounds_of_housekeeping(host_lab, start_pfild, mode):
    daemon = start_pfild(host_lab.fw, config=MODES[mode])
    daemon.bpfctl("attach", "eth0")
    with Control(daemon.name) as control:
        assert_holds_no_more(daemon, change_of_mtu(host_lab.fw, control), ROUNDS)
    assert_ends_well(daemon)


@pytest.mark.parametrize("mode", MODES)
def test_rounds_by_the_clock(host_lab, start_pfild, mode):
    """Of what each look leaves behind there are five more after five seconds; what one look holds has gone before the next."""
    daemon = start_pfild(host_lab.fw, config=MODES[mode])
    daemon.bpfctl("attach", "eth0")
    time.sleep(2)  # the first looks make what all others use
    before = most([holdings(daemon) for _ in range(LOOKS)])
    time.sleep(5)
    assert wait_until(lambda: not holdings(daemon).growth(before), timeout_s=1), holdings(daemon).growth(before)
    assert_ends_well(daemon)


@pytest.mark.parametrize("mode", MODES)
def test_attach_and_detach(host_lab, start_pfild, mode):
    daemon = start_pfild(host_lab.fw, config=MODES[mode])
    guard(daemon, "cbpf:long", "len > 1000 or port 7", run="auto")
    with Control(daemon.name) as control:

        def act(_number):
            ask(control, "attach", {"interface": "eth0"})
            ask(control, "detach", {"interface": "eth0"})

        assert_holds_no_more(daemon, act, times=30, warm=10)
    assert_ends_well(daemon)


@pytest.mark.parametrize("run", ["kernel", "engine"])
@pytest.mark.parametrize("mode", FILTERS)
def test_link_and_unlink(host_lab, start_pfild, mode, run):
    daemon = start_pfild(host_lab.fw, config=MODES[mode])
    daemon.bpfctl("attach", "eth0")
    add_hook(daemon, "cbpf:long", "len > 1000 or port 7", run=run)
    link = {"hook": "cbpf:long", "head": "inet", "directions": ["in", "out"]}
    with Control(daemon.name) as control:

        def act(_number):
            ask(control, "link", link)
            ask(control, "unlink", link)

        assert_holds_no_more(daemon, act, times=ROUNDS // 4)
    assert_ends_well(daemon)


@pytest.mark.parametrize("mode", MODES)
def test_captures_open_and_close(host_lab, start_pfild, mode):
    daemon = start_pfild(host_lab.fw, config=MODES[mode])
    daemon.bpfctl("attach", "eth0")

    def act(_number):
        Device(daemon, "eth0", "tcp port 80").close()

    assert_holds_no_more(daemon, act, ROUNDS // 2)
    assert_ends_well(daemon)


@pytest.mark.parametrize("mode", FILTERS)
def test_reloads(host_lab, start_pfild, tmp_path, mode):
    icmp = tmp_path / "icmp.bpf"
    icmp.write_text("1\n6 0 0 0\n")
    config = MODES[mode] + '[[interface]]\nname = "eth0"\n'
    rule = f'[[hook]]\nname = "cbpf:none"\ntype = "inet"\non_match = "drop"\nbytecode = "{icmp}"\n'
    linked = '[[link]]\nhook = "cbpf:none"\nhead = "inet"\ndirections = ["in"]\n'
    daemon = start_pfild(host_lab.fw, config=config)
    done = lambda: daemon.current_log().count("read again")  # noqa: E731

    def act(number):
        before = done()
        daemon.configure(config + (rule + linked if number % 2 == 0 else ""))
        daemon.reload()
        assert wait_until(lambda: done() > before)

    assert_holds_no_more(daemon, act, times=100)
    assert_ends_well(daemon)


def test_xdp_heads_that_somebody_removes_again_and_again(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw, config=MODES["xdp"])
    daemon.bpfctl("attach", "eth0")
    with Control(daemon.name) as control:
        look = change_of_mtu(host_lab.fw, control)

        def act(number):
            host_lab.fw.run("ip", "link", "set", "dev", "eth0", "xdpdrv", "off")
            look(number)
            assert wait_until(lambda: xdp_program(host_lab.fw) is not None)

        assert_holds_no_more(daemon, act, times=100, warm=20)
    assert_ends_well(daemon)


def test_an_xdp_head_that_cannot_come_back(host_lab, start_pfild, foreign_xdp):
    daemon = start_pfild(host_lab.fw, config=MODES["xdp"])
    daemon.bpfctl("attach", "eth0")
    host_lab.fw.run("ip", "link", "set", "dev", "eth0", "xdpdrv", "off")
    host_lab.fw.run(*foreign_xdp.attach)
    with Control(daemon.name) as control:
        assert_holds_no_more(daemon, change_of_mtu(host_lab.fw, control), ROUNDS // 10)
    assert "repair failed" in daemon.current_log()
    assert xdp_program(host_lab.fw) == foreign_xdp.name
    host_lab.fw.run("ip", "link", "set", "dev", "eth0", "xdpdrv", "off")
    assert wait_until(lambda: xdp_program(host_lab.fw) is not None)
    assert_ends_well(daemon)
