# SPDX-License-Identifier: BSD-2-Clause
"""Tunnels in external mode: the key of a packet lies beside it and would be lost in the engine, so they are refused."""
import pytest

from harness.judges import assert_ends_well, wait_until

WHY = "it is vxlan in external mode: the keys of packets lie beside them, and those that go through the engine would lose theirs"


def add_tunnel(host, name="vx0", external=True):
    key = ["external"] if external else ["id", 42, "remote", "192.0.2.1"]
    host.run("ip", "link", "add", name, "type", "vxlan", "dstport", 4789 if external else 4790, *key)
    host.run("ip", "link", "set", name, "up")


def attached(daemon):
    return {one["name"] for one in daemon.bpfctl.json("status")["interfaces"]}


@pytest.mark.parametrize("mode", [[], ["--mode", "tc"], ["--mode", "xdp"], ["--unknown", "drop"]], ids=["", "tc", "xdp", "drop"])
def test_an_external_tunnel_is_refused_at_attach_with_the_reason(host_lab, start_pfild, mode):
    add_tunnel(host_lab.fw)
    daemon = start_pfild(host_lab.fw)
    refusal = daemon.bpfctl.refused("attach", "vx0", *mode)
    assert refusal.exit_code == 1 and refusal.line.startswith(f"bpfctl: attach vx0: {WHY} ("), refusal
    assert attached(daemon) == set()
    assert_ends_well(daemon, "eth0", "vx0")


def test_a_tunnel_with_a_key_of_its_own_is_taken_and_an_external_one_can_be_tapped(host_lab, start_pfild):
    add_tunnel(host_lab.fw, external=False)
    add_tunnel(host_lab.fw, "vx1", external=True)
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "vx0")
    daemon.bpfctl("attach", "vx1", "--tap")
    assert attached(daemon) == {"vx0", "vx1"}
    assert_ends_well(daemon, "vx0", "vx1")


def test_files_that_name_an_external_tunnel_are_not_in_force(host_lab, start_pfild):
    add_tunnel(host_lab.fw)
    daemon = start_pfild(host_lab.fw, config='[[interface]]\nname = "eth0"\n')
    daemon.configure('[[interface]]\nname = "eth0"\n[[interface]]\nname = "vx0"\n')
    daemon.reload()
    assert wait_until(lambda: WHY in daemon.current_log()), daemon.current_log()
    assert attached(daemon) == {"eth0"}
    assert_ends_well(daemon, "eth0", "vx0")


def test_an_external_tunnel_that_is_tapped_cannot_be_filtered_instead(host_lab, start_pfild):
    add_tunnel(host_lab.fw)
    tunnel = '[[interface]]\nname = "vx0"\nmode = "{}"\n'.format
    daemon = start_pfild(host_lab.fw, config=tunnel("tap"))
    assert daemon.bpfctl.interface("vx0")["mode"] == "tap"
    daemon.configure(tunnel("tc"))
    daemon.reload()
    assert wait_until(lambda: WHY in daemon.current_log()), daemon.current_log()
    assert daemon.bpfctl.interface("vx0")["mode"] == "tap"
    assert_ends_well(daemon, "vx0")


def test_an_external_tunnel_that_a_pattern_means_is_left_alone_and_the_log_says_why(host_lab, start_pfild):
    add_tunnel(host_lab.fw)
    daemon = start_pfild(host_lab.fw, config='[[interface]]\nname = "vx*"\n')
    assert wait_until(lambda: WHY in daemon.current_log()), (daemon.current_log(), daemon.bpfctl.json("status"))
    add_tunnel(host_lab.fw, "vx1", external=False)
    assert wait_until(lambda: attached(daemon) == {"vx1"}), daemon.current_log()
    assert_ends_well(daemon, "vx0", "vx1")


def test_an_interface_that_comes_again_as_an_external_tunnel_is_not_attached(host_lab, start_pfild):
    add_tunnel(host_lab.fw, external=False)
    daemon = start_pfild(host_lab.fw, config='[[interface]]\nname = "vx0"\n')
    assert attached(daemon) == {"vx0"}
    host_lab.fw.run("ip", "link", "delete", "vx0")
    assert wait_until(lambda: attached(daemon) == set())
    add_tunnel(host_lab.fw)
    assert wait_until(lambda: WHY in daemon.current_log()), (daemon.current_log(), daemon.bpfctl.json("status"))
    assert attached(daemon) == set()
    assert_ends_well(daemon, "vx0")
