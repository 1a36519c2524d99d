/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What neighbours on a link say to each other to find one another: ARP, IPv6 neighbour discovery, and multicast
 * listener discovery. It passes unless nothing passes. Also inside VLAN tags, whether those are in the packet or beside
 * it.
 */
#pragma once

#include "context.h"
#include "pfild/discovery.h"

#define MOST_TAGS 32 /* of which two may name a VLAN; an ordinary neighbour sends one at most */

struct inet6_look {
    __u8 header[PFILD_INET6_HEADER];
    __u8 behind[9]; /* an ICMPv6 type, or a hop-by-hop header and an ICMPv6 type */
};

/* The IPv6 packet at that offset. Discovery is directly behind the IPv6 header, so in its first bytes. */
static __always_inline int is_discovery(packet_context* packet, __u32 offset) {
    struct inet6_look look;

    if (load_bytes(packet, offset, &look, PFILD_INET6_HEADER + 1))
        return 0;
    if (look.header[6] == PFILD_ICMPV6)
        return pfild_is_neighbour_discovery(look.behind[0], look.header[7]);
    if (look.header[6] != PFILD_HOP_BY_HOP || load_bytes(packet, offset, &look, sizeof(look)))
        return 0;
    return pfild_is_listener_discovery(look.header, look.behind);
}

/* A global function: the verifier goes through its loop once, and not again on each way that leads here. And its stack
 * is not the caller's while that asks a chain. */
__weak __noinline int is_neighbour_traffic(packet_context* packet) {
    struct pfild_packet frame = {.type = first_type(packet)};
    __u32 offset = PFILD_ETHERNET_HEADER;
    __be16 tag[2]; /* and the type of what follows */

    for (int i = 0; i < MOST_TAGS && pfild_is_tag(frame.type); i++) {
        if (load_bytes(packet, offset, tag, sizeof(tag)) || !pfild_take_tag(&frame, frame.type, tag[0], 1))
            return 0;
        frame.type = tag[1];
        offset += sizeof(tag);
    }
    if (frame.type == bpf_htons(PFILD_ETH_ARP))
        return 1;
    return frame.type == bpf_htons(PFILD_ETH_INET6) && is_discovery(packet, offset);
}
