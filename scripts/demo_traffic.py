# SPDX-License-Identifier: BSD-2-Clause
"""The second half of scripts/demo: a lab of two hosts, pfild on one of them, traffic, and a table of what became of it.

Made of the harness of the tests, whose clean-up runs at the end, at an error, at Ctrl-C and at SIGTERM.
"""
import shlex
import signal
import sys
import time

from harness import cleanup
from harness.lab import Lab
from harness.pfild import Pfild
from harness.ping import ping
from harness.programs import program
from harness.transfer import HttpServer

MEGABYTE = 1_000_000
COLUMNS = "{:<34} {:<24} {:>8} {:>8} {:>8} {:>8}   {}"


def totals(daemon):
    """What became of the packets of eth0 so far, both directions, and what hooks dropped."""
    counters = daemon.bpfctl.json("stats")["interfaces"]["eth0"]
    added = {name: counters["in"].get(name, 0) + counters["out"].get(name, 0) for name in {**counters["in"], **counters["out"]}}
    kernel = {way: sum(count for name, count in added.items() if name.startswith(f"{way}_")) for way in ("passed", "dropped")}
    engine = {way: added[f"engine_{way}"] for way in ("passed", "dropped")}
    return {"kernel": kernel["passed"], "kernel dropped": kernel["dropped"], **engine}


def show(daemon, traffic, run, by):
    """Runs one kind of traffic and prints its line: result, packets by who decided them."""
    before = totals(daemon)
    result = run()
    time.sleep(0.1)  # the last packets are on their way
    after = totals(daemon)
    new = {name: after[name] - before[name] for name in after}
    print(COLUMNS.format(traffic, result, *new.values(), by), flush=True)


def ping_result(lab, address):
    result = ping(lab.cli, address, count=100, interval_ms=5)
    return f"{result.received} of {result.sent} answered"


def transfer_result(transfer):
    if transfer.ok:
        return f"sha256 right, {transfer.seconds:.2f} s"
    return "blocked" if "time" in transfer.error.lower() else transfer.error


def bpfctl(daemon, *words):
    print("  $ bpfctl", shlex.join(words), flush=True)
    daemon.bpfctl(*words)


class Capture:
    """`bpfctl capture` while traffic runs; what it said in the end."""

    def __init__(self, daemon, *words):
        self._command = ["capture", *words]
        self._process = daemon.host.popen(program("bpfctl"), "-N", daemon.name, *self._command)
        self._process.wait_for_output("capturing on")

    def show(self):
        self._process.signal(signal.SIGINT)
        self._process.wait()
        print("\n  $ bpfctl", shlex.join(self._command))
        begin, *end = [line for line in self._process.stderr.splitlines() if not line.startswith("reading from")]  # tcpdump's
        for line in [begin, *self._process.stdout.splitlines(), *end]:
            print("   ", line)


def demo():
    lab = Lab("host")
    web, telnet = HttpServer(lab.fw, 8080), HttpServer(lab.fw, 23)
    daemon = Pfild(lab.fw)
    print("\n  cli 192.0.2.1  2001:db8:1::1  ----------  192.0.2.2  2001:db8:1::2 eth0  fw (pfild)\n")
    bpfctl(daemon, "attach", "eth0")
    bpfctl(daemon, "hook", "add", "cbpf:no-telnet", "--type", "inet", "--filter", "tcp dst port 23", "--on-match", "drop")
    bpfctl(daemon, "link", "--in", "--out", "cbpf:no-telnet", "inet")
    bpfctl(daemon, "hook", "add", "cbpf:watch", "--type", "inet6", "--filter", "ip6", "--on-match", "count")
    bpfctl(daemon, "link", "--in", "--out", "cbpf:watch", "inet6")

    print("\n" + COLUMNS.format("", "", "kernel", "kernel", "engine", "engine", "").rstrip())
    print(COLUMNS.format("  traffic from cli to fw", "result", "passed", "dropped", "passed", "dropped", "decided by"))
    show(daemon, "  ping, IPv4", lambda: ping_result(lab, "192.0.2.2"), "cbpf:no-telnet: no match")
    show(daemon, "  ping, IPv6", lambda: ping_result(lab, "2001:db8:1::2"), "cbpf:watch: counted")
    get = web.download
    show(daemon, "  TCP 8080, download 50 MB, IPv4", lambda: transfer_result(get(lab.cli, "192.0.2.2", 50 * MEGABYTE)),
         "cbpf:no-telnet: no match")
    blocked = Capture(daemon, "eth0", "ip and tcp dst port 23")
    show(daemon, "  TCP 23, IPv4", lambda: transfer_result(telnet.download(lab.cli, "192.0.2.2", 1000, timeout_s=2)),
         "cbpf:no-telnet: match, drop")
    show(daemon, "  TCP 23, IPv6", lambda: transfer_result(telnet.download(lab.cli, "2001:db8:1::2", 1000, timeout_s=2)),
         "cbpf:watch: counted")
    hook = daemon.bpfctl.hook("cbpf:no-telnet")["counters"]
    print(f"\n  cbpf:no-telnet was asked about {hook['seen_packets']} packets; the kernel answers the rest of their flows. cbpf:watch counts,\n"
          "  so it sees them all. ARP, neighbour and listener discovery pass in the kernel.")
    blocked.show()
    code = daemon.stop()
    print(f"\n  pfild stopped ({code}); left behind: {', '.join(daemon.left_behind()) or 'nothing'}\n")
    return code


if __name__ == "__main__":
    cleanup.install()
    try:
        sys.exit(demo())
    except KeyboardInterrupt:
        sys.exit(130)
    except AssertionError as error:  # of the harness; says what failed, and what the program said
        sys.exit(f"demo: {error}")
