// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* The OUT head: TC egress of an attached interface, before the qdisc. */
#include "identity.h"
#include "tc_head.h"

SEC("tc")
int pfild_out(struct __sk_buff* skb) {
    const struct pfild_interface* self = own_interface(skb->ifindex);
    const struct head head = {.divert = PFILD_DIVERT_OUT, .chain = PFILD_CHAIN_OUT, .outgoing = 1};
    const struct pfild_secret* secret;
    struct known known = {};
    enum course course = COURSE_PASS;
    enum arrival arrival;
    int back;

    if (!self)
        return TC_ACT_UNSPEC;
    secret = secret_of(lane_of(self, head));
    if (!secret)
        return TC_ACT_SHOT; /* for the verifier: every lane has one */
    arrival = arrival_out(skb, secret, self->port_q);
    if (arrival == ARRIVAL_PART)
        return drop_part(skb, lane_of(self, head));
    back = arrival == ARRIVAL_BACK;
    barrier_var(back); /* one number from here on, not what it was made of: less on the stack */
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

char _license[] SEC("license") = "Dual BSD/GPL";
