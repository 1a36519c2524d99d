/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Which class of what keeps a link up a packet is (pfild/upkeep.h): it passes unless a hook tells it from other
 * packets, and when there is nobody to ask. What neighbours say also inside VLAN tags, whether those are in the packet
 * or beside it.
 */
#pragma once

#include "context.h"
#include "pfild/upkeep.h"

#define MOST_TAGS 32 /* of which two may name a VLAN; an ordinary neighbour sends one at most */

#define LISTENER_BYTES (PFILD_INET6_HEADER + PFILD_LISTENER_LOOK)

struct inet6_look {
    __u8 header[PFILD_INET6_HEADER] __attribute__((aligned(8))); /* as its words are read at once */
    __u8 behind[PFILD_LISTENER_LOOK]; /* an ICMPv6 type, or a hop-by-hop header and an ICMPv6 type */
};

/* The kind of the IPv6 packet at that offset. Discovery is directly behind the IPv6 header, so in its first bytes. */
static __always_inline __u32 inet6_kind(packet_context* packet, __u32 offset) {
    struct inet6_look look;

    if (load_bytes(packet, offset, &look, PFILD_INET6_HEADER + 1))
        return PFILD_NO_UPKEEP;
    if (look.header[6] == PFILD_ICMPV6)
        return pfild_discovery_kind(look.behind[0], look.header[7]);
    if (look.header[6] != PFILD_HOP_BY_HOP || load_bytes(packet, offset, &look, LISTENER_BYTES))
        return PFILD_NO_UPKEEP;
    return pfild_listener_kind(look.header, look.behind);
}

static __always_inline __u32 control_kind(packet_context* packet) {
    __u8 look[PFILD_CONTROL_LOOK] __attribute__((aligned(8)));

    return load_bytes(packet, 0, look, PFILD_CONTROL_LOOK) ? PFILD_NO_UPKEEP : pfild_control_kind(look);
}

/*
 * The class, PFILD_NO_UPKEEP: none. A global function: the verifier goes through its loop once, and not again on each
 * way that leads here. And its stack is not the caller's while that asks a chain.
 */
__weak __noinline int upkeep_of(packet_context* packet) {
    struct pfild_packet frame = {.type = first_type(packet)};
    __u32 offset = PFILD_ETHERNET_HEADER, kind = PFILD_NO_UPKEEP;
    __be16 tag[2]; /* and the type of what follows */

    if (tag_of(packet, &tag[0], &tag[1]))
        pfild_take_tag(&frame, tag[0], tag[1], 1);
    else if (frame.type != bpf_htons(PFILD_ETH_INET) && frame.type != bpf_htons(PFILD_ETH_INET6))
        kind = control_kind(packet);
    if (kind)
        return (int)PFILD_UPKEEP_CLASS(kind, 0);
    for (int i = 0; i < MOST_TAGS && pfild_is_tag(frame.type); i++) {
        if (load_bytes(packet, offset, tag, sizeof(tag)) || !pfild_take_tag(&frame, frame.type, tag[0], 1))
            return PFILD_NO_UPKEEP;
        frame.type = tag[1];
        offset += sizeof(tag);
    }
    if (frame.type == bpf_htons(PFILD_ETH_ARP))
        kind = PFILD_UPKEEP_ARP;
    if (frame.type == bpf_htons(PFILD_ETH_INET6))
        kind = inet6_kind(packet, offset);
    return kind ? (int)PFILD_UPKEEP_CLASS(kind, frame.tags) : PFILD_NO_UPKEEP;
}

/* Whether it is what no hook of that direction is asked about. */
static __always_inline int is_unasked_upkeep(packet_context* packet, const struct pfild_interface* self,
                                             __u32 outgoing) {
    __u32 class = (__u32)upkeep_of(packet);

    return class != PFILD_NO_UPKEEP && !(self->asked[outgoing] & PFILD_UPKEEP_BIT(class));
}
