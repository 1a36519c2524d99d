# SPDX-License-Identifier: BSD-2-Clause
"""What the root of a container can do to what it sends, beyond a socket's options: programs of its own, if it may load any; and a
container whose root is nobody outside it."""
import subprocess

from .lab import Host

# Every field that a program at egress may write. What the packet is to look like later is left to it: tc_index is the source port.
EVERY_FIELD = """
#include <linux/bpf.h>
static __u32 (*draw)(void) = (void*)7;
static long (*load)(const void*, __u32, void*, __u32) = (void*)26;
static long (*set_hash)(void*, __u32) = (void*)48;
static long (*set_time)(void*, __u64, __u32) = (void*)192;
__attribute__((section("classifier"), used)) int every_field(struct __sk_buff* packet) {
    __u8 port[2];
    if (load(packet, packet->protocol == 0xdd86 ? 54 : 34, port, sizeof(port)))
        return -1;
    set_time(packet, draw(), 1);
    set_hash(packet, draw());
    packet->mark = draw();
    packet->priority = draw();
    packet->queue_mapping = draw() & 3;
    packet->tc_classid = draw();
    packet->cb[0] = draw();
    packet->cb[1] = draw();
    packet->cb[2] = draw();
    packet->cb[3] = draw();
    packet->cb[4] = draw();
    packet->tc_index = port[0] << 8 | port[1];
    return -1;
}
"""
# UDP to port 7 goes back where it came from, with metadata. Addresses and ports change places, so checksums hold. SOURCE is where the
# first address is, SIZE its length, UPPER that of the IP header.
SEND_BACK = """
#include <linux/bpf.h>
static __u32 (*draw)(void) = (void*)7;
static long (*redirect)(__u32, __u64) = (void*)23;
static long (*adjust)(struct xdp_md*, int) = (void*)54;
#define SWAP(at, size) do { __u8 kept[size]; __builtin_memcpy(kept, frame + (at), size); \\
    __builtin_memcpy(frame + (at), frame + (at) + (size), size); __builtin_memcpy(frame + (at) + (size), kept, size); } while (0)
#define TURN(SOURCE, SIZE, UPPER) do { \\
    if (frame + 14 + (UPPER) + 8 > end || frame[14 + (UPPER) + 2] || frame[14 + (UPPER) + 3] != 7) return XDP_PASS; \\
    SWAP(0, 6); SWAP(14 + (SOURCE), SIZE); SWAP(14 + (UPPER), 2); } while (0)
__attribute__((section("xdp"), used)) int send_back(struct xdp_md* packet) {
    static const __u32 wanted[] = {WORDS};
    __u8 *frame = (void*)(long)packet->data, *end = (void*)(long)packet->data_end;
    __u32 *word, words = sizeof(wanted) ? sizeof(wanted) / 4 : 1 + (draw() & 7);
    if (frame + 14 > end) return XDP_PASS;
    if (frame[12] == 0x08 && frame[13] == 0x00) TURN(12, 4, 20);
    else if (frame[12] == 0x86 && frame[13] == 0xdd) TURN(8, 16, 40);
    else return XDP_PASS;
    if (adjust(packet, -4 * (int)words)) return XDP_DROP;
    word = (void*)(long)packet->data_meta;
    for (int i = 0; i < 8; i++)
        if ((void*)(word + i + 1) <= (void*)(long)packet->data)
            word[i] = sizeof(wanted) ? wanted[i % (sizeof(wanted) / 4 + !sizeof(wanted))] : draw();
    return redirect(packet->ingress_ifindex, 0);
}
"""
# What is in front of a packet that comes is written into it: 8 bytes, from the third of a UDP datagram on, which are 0.
SHOW_METADATA = """
#include <linux/bpf.h>
static long (*store)(void*, __u32, const void*, __u32, __u64) = (void*)9;
static long (*sum)(void*, __u32, __u64, __u64, __u64) = (void*)11;
#define SHOW(UDP) do { for (int i = 0; i < 2; i++) { \\
    store(packet, (UDP) + 10 + 4 * i, &kept[i], 4, 0); sum(packet, (UDP) + 6, 0, kept[i], 4 | BPF_F_MARK_MANGLED_0); } } while (0)
__attribute__((section("classifier"), used)) int show_metadata(struct __sk_buff* packet) {
    __u32 *word = (void*)(long)packet->data_meta, kept[2];
    if ((void*)(word + 2) > (void*)(long)packet->data) return -1;
    kept[0] = word[0];
    kept[1] = word[1];
    if (packet->protocol == 0x0008) SHOW(34);
    if (packet->protocol == 0xdd86) SHOW(54);
    return -1;
}
"""


def _compiled(folder, source, **defined):
    text, program = folder / "container.c", folder / "container.o"
    text.write_text(source)
    multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
    defines = [f"-D{name}={value}" for name, value in defined.items()]
    command = ["clang", "-target", "bpf", "-O2", "-g", *defines, "-idirafter", f"/usr/include/{multiarch}"]
    subprocess.run([*command, "-c", text, "-o", program], check=True)
    return program


def _attach(host, interface, side, program):
    host.run("tc", "qdisc", "add", "dev", interface, "clsact")
    filters = ("tc", "filter", "add", "dev", interface, side, "protocol", "all", "pref", 1)
    host.run(*filters, "bpf", "direct-action", "obj", program, "sec", "classifier")


def write_every_field(host, folder, interface="eth0"):
    """All that leaves by the interface has other fields each time, and a tc_index that is its source port."""
    _attach(host, interface, "egress", _compiled(folder, EVERY_FIELD))


def show_metadata(host, folder, interface="eth0"):
    _attach(host, interface, "ingress", _compiled(folder, SHOW_METADATA))


def send_back_with_metadata(host, folder, words=(), interface="eth0"):
    """What comes to UDP port 7 goes back by XDP with these numbers of 32 bits in front; none: 1 to 8 random ones. The far end of the
    veth must take frames of XDP."""
    program = _compiled(folder, SEND_BACK, WORDS=",".join(map(str, words)))
    host.run("ip", "link", "set", "dev", interface, "xdpdrv", "obj", program, "sec", "xdp")


class OwnUser(Host):
    """A container in user and network namespaces of its own, without any interface. `ip link set IFACE netns` takes its `namespace`."""

    def __init__(self, host, eth0):
        self._process = host.popen("unshare", "--user", "--map-root-user", "--net", "sh", "-c", "echo begun; exec sleep infinity")
        self._process.wait_for_output("begun")
        super().__init__(str(self._process.pid), eth0)
        self.netns_path = f"/proc/{self._process.pid}/ns/net"
        self.run("ip", "link", "set", "lo", "up")

    def inside(self, command):
        user = f"--user=/proc/{self._process.pid}/ns/user"
        return ["nsenter", "--preserve-credentials", user, f"--net={self.netns_path}", "--", *map(str, command)]

    def take(self, host, interface, *addresses):
        """The interface, from another host."""
        host.run("ip", "link", "set", interface, "netns", self.namespace)
        for address in addresses:
            self.run("ip", "address", "add", address, "dev", interface, *(["nodad"] if ":" in address else []))
        self.run("ip", "link", "set", interface, "up")

    def close(self):
        self._process.close()
