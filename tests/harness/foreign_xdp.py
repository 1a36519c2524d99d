# SPDX-License-Identifier: BSD-2-Clause
"""An XDP program of somebody else, that lets all packets pass."""
import subprocess

SOURCE = """
#include <linux/bpf.h>
__attribute__((section("xdp"), used)) int foreign_pass(struct xdp_md *packet) { (void)packet; return XDP_PASS; }
"""


class ForeignXdp:
    """`name`, and the command that attaches it to eth0 of a host: host.run(*foreign.attach)."""

    name = "foreign_pass"

    def __init__(self, folder):
        source, program = folder / "foreign.c", folder / "foreign.o"
        source.write_text(SOURCE)
        multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
        command = ["clang", "-target", "bpf", "-O2", "-idirafter", f"/usr/include/{multiarch}", "-c", source, "-o", program]
        subprocess.run(command, check=True)
        self.attach = ["ip", "link", "set", "dev", "eth0", "xdpdrv", "obj", program, "sec", "xdp"]
