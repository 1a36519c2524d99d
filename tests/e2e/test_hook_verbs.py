# SPDX-License-Identifier: BSD-2-Clause
"""A hook is replaced, disabled and enabled where it is linked; one hook, and the counters of one interface, are shown."""
from harness.judges import assert_ends_well
from harness.ping import ping, unanswered
from harness.rules import add_hook, counted

PEER = "192.0.2.2"


def answered(host, address):
    return ping(host, address, count=5).lost == 0


def test_a_disabled_hook_meets_no_packet_and_keeps_its_place_also_through_a_crash(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    for name, expression, on_match in (("cbpf:first", "icmp", "count"), ("cbpf:drop", "icmp", "drop"), ("cbpf:last", "icmp", "count")):
        add_hook(daemon, name, expression, on_match=on_match)
        daemon.bpfctl("link", "-i", name, "inet", "--append")
    order = ["cbpf:first", "cbpf:drop", "cbpf:last"]

    def run_order():
        return next(head for head in daemon.bpfctl.json("heads")["heads"] if head["name"] == "inet")["in"]

    assert run_order() == order and unanswered(host_lab.cli, PEER)
    assert daemon.bpfctl("hook", "disable", "cbpf:drop").startswith("cbpf:drop: disabled\n")
    seen = counted(daemon, "cbpf:drop")["seen"]
    assert run_order() == ["cbpf:first", "cbpf:last"] and answered(host_lab.cli, PEER)
    assert counted(daemon, "cbpf:drop")["seen"] == seen > 0  # its counters stay
    assert not daemon.bpfctl.hook("cbpf:drop")["enabled"]
    assert "it is disabled" in daemon.bpfctl.refused("hook", "disable", "cbpf:drop").line
    assert "no such hook" in daemon.bpfctl.refused("hook", "enable", "cbpf:none").line
    daemon.kill9()
    daemon.start()
    assert run_order() == ["cbpf:first", "cbpf:last"] and answered(host_lab.cli, PEER)
    assert daemon.bpfctl("hook", "enable", "cbpf:drop").startswith("cbpf:drop: enabled\n")
    assert run_order() == order and unanswered(host_lab.cli, PEER)
    assert_ends_well(daemon)


def test_a_hook_is_replaced_where_it_is_linked(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    add_hook(daemon, "cbpf:a", "icmp", on_match="drop")
    daemon.bpfctl("link", "-i", "cbpf:a", "inet")
    links = daemon.bpfctl.hook("cbpf:a")["links"]
    assert unanswered(host_lab.cli, PEER)
    daemon.bpfctl("hook", "replace", "cbpf:a", "--filter", "tcp port 23", "--on-match", "drop", "--type", "inet")
    assert daemon.bpfctl.hook("cbpf:a")["links"] == links and answered(host_lab.cli, PEER)
    shown = daemon.bpfctl("hook", "show", "cbpf:a")
    assert "tcp port 23" in shown and "(000) ldb      [0]" in shown, shown
    assert daemon.bpfctl.json("hook", "show", "cbpf:a")["program"][0] == [48, 0, 0, 0]
    refused = daemon.bpfctl.refused("hook", "replace", "cbpf:a", "--filter", "ip", "--on-match", "drop", "--type", "ethernet")
    assert "it has type inet, not ethernet" in refused.line
    refused = daemon.bpfctl.refused("hook", "replace", "cbpf:b", "--filter", "ip", "--on-match", "drop", "--type", "inet")
    assert "no such hook" in refused.line
    assert_ends_well(daemon)


def test_a_hook_of_the_files_can_be_disabled_there(host_lab, start_pfild):
    hook = '[[hook]]\nname = "cbpf:a"\ntype = "inet"\non_match = "drop"\nfilter = "icmp"\nenabled = false\n'
    link = '[[link]]\nhook = "cbpf:a"\nhead = "inet"\ndirections = ["in"]\n'
    daemon = start_pfild(host_lab.fw, config='[[interface]]\nname = "eth0"\n' + hook + link)
    assert answered(host_lab.cli, PEER)
    daemon.bpfctl("hook", "enable", "cbpf:a")
    assert unanswered(host_lab.cli, PEER)
    daemon.bpfctl("reload")  # as they say again
    assert answered(host_lab.cli, PEER) and not daemon.bpfctl.hook("cbpf:a")["enabled"]
    assert_ends_well(daemon)


def test_counters_of_one_interface_are_shown_alone(host_lab, start_pfild):
    daemon = start_pfild(host_lab.fw)
    daemon.bpfctl("attach", "eth0")
    daemon.bpfctl("attach", "lo", "--mode", "tap")
    assert set(daemon.bpfctl.json("stats")["interfaces"]) == {"eth0", "lo"}
    assert set(daemon.bpfctl.json("stats", "eth0")["interfaces"]) == {"eth0"}
    shown = daemon.bpfctl("stats", "eth0", "--all")
    assert shown.startswith("eth0, incoming\n") and "\neth0, outgoing\n" in shown and "lo," not in shown
    assert "it is not attached" in daemon.bpfctl.refused("stats", "eth9").line
    assert_ends_well(daemon)
