/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What every TC head does, in the order a packet meets it:
 *
 *     not our interface?     -> pass on
 *     back from the engine?  -> pass on, tell the flow table       (hand-over)
 *     flow known?            -> pass on or drop                    whoever is alive
 *     nobody home?           -> pass or drop, as attached          (`unknown`)
 *     no hook here?          -> pass on                            (PF-26)
 *     ARP or ND?             -> pass on
 *     else                   -> label, redirect to the engine
 *
 * Passing on is TC_ACT_UNSPEC: filters behind ours see the packet.
 */
#pragma once

#include <linux/pkt_cls.h>

#include "flows.h"
#include "maps.h"
#include "parse.h"
#include "segments.h"

#define ETHERNET_HEADER 14
#define MAX_TAGS 2

/* Counts a socket buffer as the packets that it stands for. */
static __always_inline void count_buffer(__u32 lane, enum pfild_counter what, struct __sk_buff* skb) {
    count_packets(lane, what, packets_of(skb));
}

/* Which of the two heads a program is; constant in each, so that the compiler leaves out the other. */
struct head {
    __u32 divert;   /* PFILD_DIVERT_IN or _OUT */
    __u32 outgoing; /* 0: IN, 1: OUT */
};

/* The flow table's entry for a packet; nothing when it is not canonical, or has none. */
static __always_inline struct pfild_flow* flow_of(struct __sk_buff* skb, __u32 outgoing) {
    struct pfild_flow_key key = {.ifindex = skb->ifindex};

    if (skb->vlan_present) { /* the outermost tag is beside the packet */
        key.tags = 1;
        key.tag[0].type = (__be16)skb->vlan_proto;
        key.tag[0].tci = bpf_htons(skb->vlan_tci);
    }
    if (!pfild_read_flow_key(&key, (const void*)(long)skb->data, (const void*)(long)skb->data_end, (int)outgoing))
        return 0;
    return find_flow(&key);
}

/* A packet has come back from the engine and is where it was diverted; packets that come now do not overtake it. */
static __always_inline void settle(struct __sk_buff* skb, const struct pfild_interface* self, const struct head head,
                                   struct pfild_flow* flow) {
    skb->tc_index = 0;
    count_buffer(2 * self->slot + head.outgoing, PFILD_COUNT_REENTERED, skb);
    if (flow)
        __sync_fetch_and_add(&flow->lane[head.outgoing].settled, packets_of(skb));
}

/* Whether a packet comes back from the engine, for this lane. */
static __always_inline int is_back(const struct __sk_buff* skb, const struct pfild_interface* self,
                                   const struct head head) {
    return skb->tc_index == PFILD_REENTRY(2 * self->slot + head.outgoing);
}

/* Nobody takes packets from a socket that is not there: the kernel empties the slot when the engine's socket closes. */
static __always_inline int engine_alive(__u32 lane) { return bpf_map_lookup_elem(&sockets, &lane) != 0; }

/* ARP and IPv6 neighbour discovery, also inside VLAN tags, whether those are in the packet or beside it. */
static __always_inline int is_neighbour_traffic(struct __sk_buff* skb) {
    struct pfild_inet6_look look;
    __u32 offset = ETHERNET_HEADER;
    __be16 type = (__be16)skb->protocol;

    for (int i = 0; i < MAX_TAGS && is_vlan(type); i++) {
        struct pfild_tag tag;

        if (bpf_skb_load_bytes(skb, offset, &tag, sizeof(tag)))
            return 0;
        type = tag.type;
        offset += sizeof(tag);
    }
    if (type == bpf_htons(PFILD_ETH_ARP))
        return 1;
    if (type != bpf_htons(PFILD_ETH_IPV6) || bpf_skb_load_bytes(skb, offset, &look, sizeof(look)))
        return 0;
    return is_neighbour_discovery(&look);
}

static __always_inline int divert(struct __sk_buff* skb, const struct pfild_interface* self, const struct head head,
                                  struct pfild_flow* flow) {
    __u32 lane = 2 * self->slot + head.outgoing;
    __u16 label = PFILD_LABEL_MARK;

    if (head.outgoing && skb->ingress_ifindex) /* it goes out and once came in: forwarded */
        label |= PFILD_LABEL_FWD;
    if (flow)
        label |= (flow->incarnation & PFILD_LABEL_VERSION_MAX) << 1;
    if (bpf_skb_vlan_push(skb, bpf_htons(PFILD_LABEL_TYPE), label)) {
        count_buffer(lane, PFILD_COUNT_DROPPED_LABEL, skb);
        return TC_ACT_SHOT;
    }
    count_buffer(lane, PFILD_COUNT_DIVERTED, skb);
    if (flow)
        __sync_fetch_and_add(&flow->lane[head.outgoing].diverted, packets_of(skb));
    return bpf_redirect(head.outgoing ? self->port_p : self->port_q, 0);
}

static __always_inline int decide(struct __sk_buff* skb, const struct pfild_interface* self, const struct head head,
                                  struct pfild_flow* flow) {
    __u32 lane = 2 * self->slot + head.outgoing;
    int answer = flow ? answer_of(flow, lane, head.outgoing, packets_of(skb), skb->len) : PFILD_FLOW_ASK;

    if (answer == PFILD_FLOW_PASS) {
        count_buffer(lane, PFILD_COUNT_PASSED_KNOWN, skb);
        return TC_ACT_UNSPEC;
    }
    if (answer == PFILD_FLOW_DROP) {
        count_buffer(lane, PFILD_COUNT_DROPPED_KNOWN, skb);
        return TC_ACT_SHOT;
    }
    if (!engine_alive(lane)) {
        int drop = (self->flags & PFILD_UNKNOWN_DROP) && !is_neighbour_traffic(skb);

        count_buffer(lane, drop ? PFILD_COUNT_DROPPED_UNATTENDED : PFILD_COUNT_PASSED_UNATTENDED, skb);
        return drop ? TC_ACT_SHOT : TC_ACT_UNSPEC;
    }
    if (!(self->flags & head.divert)) {
        count_buffer(lane, PFILD_COUNT_PASSED_UNHOOKED, skb);
        return TC_ACT_UNSPEC;
    }
    if (is_neighbour_traffic(skb)) {
        count_buffer(lane, PFILD_COUNT_PASSED_NEIGHBOUR, skb);
        return TC_ACT_UNSPEC;
    }
    return divert(skb, self, head, flow);
}
