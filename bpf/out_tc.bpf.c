// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* The OUT head: TC egress of an attached interface, before the qdisc. */
#include "tc_head.h"

SEC("tc")
int pfild_out(struct __sk_buff* skb) {
    __u32 ifindex = skb->ifindex;
    const struct pfild_interface* self = bpf_map_lookup_elem(&interfaces, &ifindex);
    const struct head head = {.divert = PFILD_DIVERT_OUT, .outgoing = 1};
    struct pfild_flow* flow;
    int back;

    if (!self)
        return TC_ACT_UNSPEC;
    back = is_back(skb, self, head);
    flow = back || self->flags & head.divert ? flow_of(skb, head) : 0;
    if (!back)
        return decide_in_tc(skb, self, head, flow);
    settle(skb, self, head, flow);
    return TC_ACT_UNSPEC;
}
