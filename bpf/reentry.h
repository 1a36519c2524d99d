/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * How a head knows what comes back from the engine: by the secret of its lane (struct pfild_secret), which the port's
 * program has put into fields of the socket buffer. What such a field goes through on its way:
 *
 *                      redirect IN    redirect OUT    from a container
 *     mark             stays          stays           cleared by veth
 *     tc_index         stays          stays           any value
 *     cb[0..3]         stays          stays           any value with BPF; overwritten where it is forwarded
 *
 * IN crosses the backlog, and packet sockets of the interface: a filter of one that reads cb clears it. So two of the
 * three prove it there. OUT is one call, and cb proves it. Whoever shows less, but more than nothing, goes no further:
 * he would be diverted again, and again.
 */
#pragma once

#include <linux/bpf.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"

enum arrival {
    ARRIVAL_NEW,  /* not from the engine */
    ARRIVAL_BACK, /* from the engine, for this lane */
    ARRIVAL_PART  /* with a part of the secret: forged, or somebody has rewritten the rest */
};

static __always_inline const struct pfild_secret* secret_of(__u32 lane) { return bpf_map_lookup_elem(&secrets, &lane); }

static __always_inline int has_cb(const struct __sk_buff* skb, const struct pfild_secret* secret) {
    return skb->cb[0] == secret->cb[0] && skb->cb[1] == secret->cb[1] && skb->cb[2] == secret->cb[2] &&
           skb->cb[3] == secret->cb[3];
}

static __always_inline enum arrival arrival_in(const struct __sk_buff* skb, const struct pfild_secret* secret) {
    int signs = has_cb(skb, secret);

    signs += skb->tc_index == secret->tc_index;
    signs += skb->mark == secret->mark;
    return signs >= 2 ? ARRIVAL_BACK : signs ? ARRIVAL_PART : ARRIVAL_NEW;
}

/* port: ifindex by which packets of this lane come back. Those of others may have any tc_index and mean nothing. */
static __always_inline enum arrival arrival_out(const struct __sk_buff* skb, const struct pfild_secret* secret,
                                                __u32 port) {
    if (has_cb(skb, secret))
        return ARRIVAL_BACK;
    return skb->tc_index == secret->tc_index && skb->ingress_ifindex == port ? ARRIVAL_PART : ARRIVAL_NEW;
}

/* skb->field = value. Written so, as the compiler may reach one field from another's address, which the verifier
 * refuses. */
#define SET_FIELD(skb, field, value)                                                                                   \
    asm volatile("*(u32*)(%[context] + %[offset]) = %[number]"                                                         \
                 :                                                                                                     \
                 : [context] "r"(skb), [offset] "i"(offsetof(struct __sk_buff, field)), [number] "r"((__u32)(value))   \
                 : "memory")

static __always_inline void set_stamp(struct __sk_buff* skb, const struct pfild_secret* secret, int outgoing) {
    SET_FIELD(skb, cb[0], secret->cb[0]);
    SET_FIELD(skb, cb[1], secret->cb[1]);
    SET_FIELD(skb, cb[2], secret->cb[2]);
    SET_FIELD(skb, cb[3], secret->cb[3]);
    SET_FIELD(skb, tc_index, secret->tc_index);
    if (!outgoing)
        SET_FIELD(skb, mark, secret->mark);
}

/* What a packet that comes back has in there is the stamp, or was written over it. A mark may be the user's by now. */
static __always_inline void clear_stamp(struct __sk_buff* skb, __u32 lane, int outgoing) {
    const struct pfild_secret* secret = secret_of(lane); /* once more: kept, it would be on the heads' scarce stack */

    SET_FIELD(skb, cb[0], 0);
    SET_FIELD(skb, cb[1], 0);
    SET_FIELD(skb, cb[2], 0);
    SET_FIELD(skb, cb[3], 0);
    SET_FIELD(skb, tc_index, 0);
    if (!outgoing && secret && skb->mark == secret->mark)
        SET_FIELD(skb, mark, 0);
}
