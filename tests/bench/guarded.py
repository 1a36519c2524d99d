# SPDX-License-Identifier: BSD-2-Clause
"""Labs under test: bare, with nftables, or guarded by pfild. They stand for the whole run, so that a round only starts a load."""
import subprocess

from harness import cleanup
from harness.lab import Lab
from harness.pfild import Pfild
from harness.rules import guard

from . import loads

_NFT = "table inet bench {\n chain %s {\n type filter hook %s priority 0\n %s\n }\n}\n"


def bare():
    return Lab("host")


def with_nft(rule, chain="input"):
    lab = Lab("host")
    lab.fw.run("nft", "-f", "-", stdin=_NFT % (chain, chain, rule))
    return lab


def with_nft_netdev(rule):
    lab = Lab("host")
    hook = "type filter hook ingress device eth0 priority 0"
    lab.fw.run("nft", "-f", "-", stdin=f"table netdev bench {{\n chain seen {{\n {hook}\n {rule}\n }}\n}}\n")
    return lab


def with_xdp_filter():
    """xdp-filter of xdp-tools, which drops the load by its destination port."""
    lab = Lab("host")
    cleanup.register(lambda: subprocess.run(lab.fw.inside(("xdp-filter", "unload", "eth0")), capture_output=True, check=False))
    lab.fw.run("xdp-filter", "load", "eth0", "--mode", "native", "--policy", "allow", "--features", "udp")
    lab.fw.run("xdp-filter", "port", "9", "--mode", "dst", "--proto", "udp")
    return lab


USERSPACE = ("--no-cache",)  # every packet that a hook could see goes there


def with_pfild(
    expression="ip", on_match="count", direction="io", hooked=True, options=USERSPACE, config=None, mode="tc", run="engine"
):
    """pfild on fw's eth0, with one hook that every packet meets; the engine is on its CPU. (lab, daemon)"""
    lab = Lab("host")
    daemon = Pfild(lab.fw, options=options, config=config)
    daemon.bpfctl("attach", "eth0", "--mode", mode)
    if hooked:
        guard(daemon, "cbpf:bench", expression, direction=direction, on_match=on_match, run=run)
    loads.pin(daemon.pid, loads.ENGINE_CPU)
    return lab, daemon


def receive_by_napi(lab):
    """Redirected packets reach a veth only when it polls: that is when it runs native XDP, or GRO."""
    lab.fw.run("ethtool", "-K", "eth0", "gro", "on")
    return lab
