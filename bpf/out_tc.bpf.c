// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* The OUT head: TC egress of an attached interface, before the qdisc. */
#include "tc_head.h"

SEC("tc")
int pfild_out(struct __sk_buff* skb) {
    const struct pfild_interface* self = find_interface(skb->ifindex);
    const struct head head = {.divert = PFILD_DIVERT_OUT, .chain = PFILD_CHAIN_OUT, .outgoing = 1};
    struct known known = {};
    enum course course = COURSE_PASS;
    int back;

    if (!self)
        return TC_ACT_UNSPEC;
    back = is_back(skb, self, head);
    if (back || self->flags & head.divert)
        known = look_up(skb, head);
    if (back)
        settle(skb, self, head, known.flow);
    else
        course = decide(skb, self, head, known);
    if (course == COURSE_PASS)
        tap(skb, lane_of(self, head), head.outgoing);
    return act(skb, self, head, known, course);
}
