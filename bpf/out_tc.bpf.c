// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* The OUT head: TC egress of an attached interface, before the qdisc. */
#include "decide.h"

SEC("tc")
int pfild_out(struct __sk_buff* skb) {
    __u32 ifindex = skb->ifindex;
    const struct pfild_interface* self = bpf_map_lookup_elem(&interfaces, &ifindex);
    const struct head head = {.divert = PFILD_DIVERT_OUT, .outgoing = 1};

    if (!self)
        return TC_ACT_UNSPEC;
    if (skb->tc_index == PFILD_REENTRY(PFILD_LANE_OUT(self->slot))) {
        skb->tc_index = 0;
        count_buffer(PFILD_LANE_OUT(self->slot), PFILD_COUNT_REENTERED, skb);
        return TC_ACT_UNSPEC;
    }
    return decide(skb, self, head);
}
