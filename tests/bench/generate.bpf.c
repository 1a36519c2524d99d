// SPDX-License-Identifier: BSD-2-Clause
/*
 * The packet that the generator makes again and again (BPF_PROG_RUN with live frames): each time of the next flow, by
 * source port and source address, then out of the sending veth, whose other end must run XDP or have GRO on, or the
 * kernel throws it away.
 *
 *     number of the packet --order--> number of the flow --key--> 15 bits of port, 5 of address
 *
 * Each arrow is the number itself, or scatters: a bijection of so many bits without a pattern that a hash or a cache
 * would like.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 out_ifindex;   /* the sending veth */
const volatile __u32 flow_mask;     /* flows - 1; flows is a power of two */
const volatile __u32 first_source;  /* port, host byte order */
const volatile __u32 first_address; /* source, network byte order; its last byte has room for 32 more */
const volatile __u32 first_id;      /* identification, host byte order, at least 32 */
const volatile __u32 order_bits;    /* of flow_mask: the flows come scattered; 0: in order */
const volatile __u32 key_bits;      /* all of a key: keys are scattered; 0: neighbours have neighbouring ports */
const volatile __u64 interval_ns;   /* between two packets; 0: none, as fast as may be */

#define PORT_BITS 15
#define PORT_MASK ((1 << PORT_BITS) - 1)

__u64 start_ns; /* when the first was due */
__u64 sent;     /* one writer: the process that runs the program, on one CPU */

/* A bijection of the numbers of so many bits: multiplications by odd numbers, and shifts to the right. */
static __always_inline __u32 scattered(__u32 number, __u32 bits) {
    __u32 mask = (1U << bits) - 1;
    __u32 half = (bits + 1) / 2;

    number = (number * 0x9e3779b1U) & mask;
    number ^= number >> half;
    number = (number * 0x85ebca6bU) & mask;
    number ^= number >> half;
    return (number * 0xc2b2ae35U) & mask;
}

#define MOST_LOOKS (1 << 22) /* at the clock, for one packet */

static long look_at_clock(__u32 number, __u64* due) {
    (void)number;
    return bpf_ktime_get_ns() >= *due; /* 1 ends the loop */
}

/* Spins: a sleep is coarser than the time between two packets. */
static __always_inline void wait_for_turn(void) {
    __u64 due;

    if (!interval_ns)
        return;
    if (!start_ns)
        start_ns = bpf_ktime_get_ns();
    due = start_ns + sent * interval_ns;
    bpf_loop(MOST_LOOKS, look_at_clock, &due, 0);
}

SEC("xdp")
int bench_generate(struct xdp_md* ctx) {
    struct ethhdr* ethernet = (void*)(long)ctx->data;
    struct iphdr* ip = (void*)(ethernet + 1);
    struct udphdr* udp = (void*)(ip + 1);
    __u32 further;
    __u32 flow;

    if ((void*)(udp + 1) > (void*)(long)ctx->data_end)
        return XDP_ABORTED;
    wait_for_turn();
    flow = sent & flow_mask;
    if (order_bits)
        flow = scattered(flow, order_bits);
    if (key_bits)
        flow = scattered(flow, key_bits);
    udp->source = bpf_htons(first_source + (flow & PORT_MASK));
    /* What the address gains the identification loses: the header's checksum stays right. */
    further = flow >> PORT_BITS;
    ip->saddr = first_address + bpf_htonl(further);
    ip->id = bpf_htons(first_id - further);
    sent++;
    return bpf_redirect(out_ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
