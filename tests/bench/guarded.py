# SPDX-License-Identifier: BSD-2-Clause
"""Labs under test: bare, with nftables, or guarded by pfild. They stand for the whole run, so that a round only starts a load."""
from harness.lab import Lab
from harness.pfild import Pfild
from harness.rules import guard

from . import loads

BEHIND = 100  # pref of a TC filter that runs behind the head of pfild

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


# The first command pins maps in a BPF file system, the second looks for them there; with them is pinned what ties xdp-filter to the
# dispatcher of libxdp. Machines have such a file system or not: these have their own, in a mount namespace that lives as they do.
_XDP_FILTER = """
mount -t bpf bpf /sys/fs/bpf
xdp-filter load eth0 --mode native --policy allow --features udp
xdp-filter port 9 --mode dst --proto udp
echo loaded
exec sleep infinity
"""


def with_xdp_filter():
    """xdp-filter of xdp-tools, which drops the load by its destination port."""
    lab = Lab("host")
    lab.fw.popen("unshare", "--mount", "sh", "-ec", _XDP_FILTER).wait_for_output("loaded")
    return lab


_LEARNED_S = 0.05
_TRIES = 20
_FORGOTTEN_S = 24 * 3600  # a load comes only every so often


def with_known_connection():
    """nftables that drops packets of a connection that conntrack knows: it was let pass first, and confirmed."""
    lab = receive_by_napi(with_nft("ct state new,established accept"))
    lab.fw.run("sysctl", "-qw", f"net.netfilter.nf_conntrack_udp_timeout={_FORGOTTEN_S}")
    for _ in range(_TRIES):
        loads.PacketLoad(lab).send(_LEARNED_S, 1000)
        if connections(lab.fw):
            break  # a busy machine may send nothing in so short a time
    lab.fw.run("nft", "-f", "-", stdin="flush chain inet bench input\nadd rule inet bench input ct state new,established drop\n")
    return lab


def connections(host):
    """That conntrack knows in a namespace. Where no packet is on its way, all are confirmed: others have ended with theirs."""
    return int(host.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout)


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
