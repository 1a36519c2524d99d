/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the TC heads have in common: they see each packet of the slow path twice, the second time when it is back.
 *
 *     not our interface?     -> pass on
 *     back from the engine?  -> pass on, tell the flow table       (hand-over)
 *     half of a stamp?       -> drop
 *     else                   -> decide.h
 */
#pragma once

#include "decide.h"
#include "reentry.h"

/* A packet has come back from the engine and is where it was diverted; packets that come now do not overtake it. */
static __always_inline void settle(struct __sk_buff* skb, const struct pfild_interface* self, const struct head head,
                                   struct pfild_flow* flow) {
    clear_stamp(skb, lane_of(self, head), head.outgoing);
    count_all(lane_of(self, head), PFILD_COUNT_REENTERED, skb);
    if (flow)
        __sync_fetch_and_add(&flow->lane[head.outgoing].settled, packets_of(skb));
}

/* Rare, so a function of its own: it takes nothing of the callers' stack. */
static __noinline int drop_part(struct __sk_buff* skb, __u32 lane) {
    count_all(lane, PFILD_COUNT_DROPPED_STAMP, skb);
    return TC_ACT_SHOT;
}

static __always_inline int divert(struct __sk_buff* skb, const struct pfild_interface* self, const struct head head,
                                  struct pfild_flow* flow) {
    int forwarded = head.outgoing && skb->ingress_ifindex; /* it goes out and once came in */

    if (bpf_skb_vlan_push(skb, bpf_htons(PFILD_LABEL_TYPE), label_for(flow, forwarded))) {
        count_all(lane_of(self, head), PFILD_COUNT_DROPPED_LABEL, skb);
        return TC_ACT_SHOT;
    }
    count_diverted(skb, lane_of(self, head), head, flow);
    return bpf_redirect(head.outgoing ? self->port_p : self->port_q, 0);
}

static __always_inline int act(struct __sk_buff* skb, const struct pfild_interface* self, const struct head head,
                               const struct known known, enum course course) {
    switch (course) {
    case COURSE_PASS:
        return TC_ACT_UNSPEC; /* filters behind ours see the packet */
    case COURSE_DIVERT:
        return divert(skb, self, head, known.flow);
    default:
        return TC_ACT_SHOT;
    }
}
