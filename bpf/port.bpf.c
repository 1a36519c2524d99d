// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The programs of a port pair, the two veth pairs p1==p0 and q1==q0 beside an attached interface.
 *
 *     port_up        native XDP on p0 and q0: into the engine's socket
 *     reentry_in     TC ingress of p1: a passed IN packet goes into the stack as if the interface had received it
 *     reentry_out    TC ingress of q1: a passed OUT packet goes to the interface's egress, qdisc and taps
 */
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>

#include "maps.h"
#include "reentry.h"
#include "segments.h"

/* An Ethernet header with the label behind the addresses. */
struct labelled {
    __u8 addresses[12];
    __be16 type;
    __be16 label;
};

SEC("xdp.frags")
int port_up(struct xdp_md* ctx) {
    const struct labelled* frame = (const void*)(long)ctx->data;
    __u32 ifindex = ctx->ingress_ifindex;
    const struct pfild_port* port = bpf_map_lookup_elem(&engine_ports, &ifindex);
    int action;

    if (!port)
        return XDP_DROP;
    if ((const void*)(frame + 1) > (const void*)(long)ctx->data_end || frame->type != bpf_htons(PFILD_LABEL_TYPE) ||
        (frame->label & bpf_htons(PFILD_LABEL_MARK_MASK)) != bpf_htons(PFILD_LABEL_MARK)) {
        count(port->lane, PFILD_COUNT_DROPPED_STRAY);
        return XDP_DROP;
    }
    action = (int)bpf_redirect_map(&sockets, port->lane, XDP_DROP);
    if (action == XDP_DROP)
        count(port->lane, PFILD_COUNT_DROPPED_SOCKETLESS);
    return action;
}

static __always_inline int reenter(struct __sk_buff* skb, int outgoing) {
    __u32 ifindex = skb->ifindex;
    const struct pfild_port* port = bpf_map_lookup_elem(&stack_ports, &ifindex);
    const struct pfild_secret* secret = port ? secret_of(port->lane) : 0;

    if (!port || !secret)
        return TC_ACT_SHOT;
    set_stamp(skb, secret, outgoing);
    count_packets(port->lane, PFILD_COUNT_RETURNED, packets_of(skb));
    return bpf_redirect(port->interface, outgoing ? 0 : BPF_F_INGRESS);
}

SEC("tc")
int reentry_in(struct __sk_buff* skb) { return reenter(skb, 0); }

SEC("tc")
int reentry_out(struct __sk_buff* skb) { return reenter(skb, 1); }
