// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The IN head: TC ingress of an attached interface. It lets pass what in_xdp.bpf.c has let pass in front of it, where
 * that is attached.
 */
#include "identity.h"
#include "tc_head.h"

/* linux/if_packet.h, which needs a libc */
#define PACKET_HOST 0
#define PACKET_BROADCAST 1
#define PACKET_MULTICAST 2
#define PACKET_OTHERHOST 3
#define PACKET_LOOPBACK 5

/*
 * A packet that came back was handed to the interface by redirect, which calls every packet "for this host". What it is
 * the address says, by the rule with which a driver would have said it (eth_type_trans).
 */
static __always_inline void restore_packet_type(struct __sk_buff* skb, const struct pfild_interface* self) {
    __u8 to[6];
    __u32 broadcast = 1, ours = 1, type = PACKET_HOST;

    if (bpf_skb_load_bytes(skb, 0, to, sizeof(to)))
        return;
    for (int i = 0; i < 6; i++) {
        broadcast &= to[i] == 0xff;
        ours &= to[i] == self->mac[i];
    }
    if (to[0] & 1)
        type = broadcast ? PACKET_BROADCAST : PACKET_MULTICAST;
    else if (!ours)
        type = PACKET_OTHERHOST;
    if (type != PACKET_HOST)
        bpf_skb_change_type(skb, type);
}

/*
 * A copy of this host's own multicast or broadcast for its own listeners. Nobody outside has sent it, and it has no
 * Ethernet header here. Only the kernel says so of a packet: neither a classifier, an nft rule nor a BPF program may,
 * and what comes out of a container is given another type.
 */
static __always_inline int is_looped(const struct __sk_buff* skb) { return skb->pkt_type == PACKET_LOOPBACK; }

/* By in_xdp.bpf.c. */
static __always_inline int is_decided(const struct __sk_buff* skb, const struct pfild_secret* secret) {
    const __u32* mark = (const void*)(long)skb->data_meta;

    return (const void*)(mark + 2) <= (const void*)(long)skb->data && mark[0] == secret->decided[0] &&
           mark[1] == secret->decided[1];
}

SEC("tc")
int pfild_in(struct __sk_buff* skb) {
    const struct pfild_interface* self = own_interface(skb->ifindex);
    const struct head head = {.divert = PFILD_DIVERT_IN, .chain = PFILD_CHAIN_IN, .outgoing = 0};
    const struct pfild_secret* secret;
    struct known known = {};
    enum arrival arrival;
    int back;

    if (!self)
        return TC_ACT_UNSPEC;
    secret = secret_of(lane_of(self, head));
    if (!secret)
        return TC_ACT_SHOT; /* for the verifier: every lane has one */
    if (is_looped(skb)) {
        count(lane_of(self, head), PFILD_COUNT_PASSED_LOOPED);
        return TC_ACT_UNSPEC;
    }
    arrival = arrival_in(skb, secret);
    if (arrival == ARRIVAL_PART)
        return drop_part(skb, lane_of(self, head));
    back = arrival == ARRIVAL_BACK;
    barrier_var(back); /* one number from here on, not what it was made of: less on the stack */
    if (!back && is_decided(skb, secret))
        bpf_tail_call(skb, &tc_chains, PFILD_CHAIN_UNMARK); /* passes it on; with nobody there: decided once more */
    if (!back)
        tap(skb, lane_of(self, head), head.outgoing);
    if (back || self->flags & head.divert)
        known = look_up(skb, head);
    if (!back)
        return act(skb, self, head, known, decide(skb, self, head, known));
    settle(skb, self, head, known.flow);
    restore_packet_type(skb, self);
    return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
