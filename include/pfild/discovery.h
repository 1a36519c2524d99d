/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What neighbours on a link say to find one another and who listens to which group, as the reader of packets
 * (pfild/packet.h) knows it: ICMPv6 that a host cannot be without.
 */
#ifndef PFILD_DISCOVERY_H
#define PFILD_DISCOVERY_H

#include "pfild/packet.h"

/* ICMPv6 of this type and hop limit is neighbour discovery (RFC 4861, section 4). It always passes, so it is of no
 * flow. */
PFILD_INLINE int pfild_is_neighbour_discovery(__u8 icmp_type, __u8 hop_limit) {
    return hop_limit == 255 && icmp_type >= 133 && icmp_type <= 137;
}

/*
 * Whether an IPv6 packet of next header 0 is multicast listener discovery (RFC 3810, section 5): from this link, behind
 * a hop-by-hop header of 8 bytes that holds a router alert for it. header: 40 bytes; behind: the next 9.
 */
PFILD_INLINE int pfild_is_listener_discovery(const __u8* header, const __u8* behind) {
    const __u8 icmp_type = behind[8];
    const __u8* alert = behind[2] == 5 ? behind + 2 : behind + 4; /* the padding is behind it or before */
    const __u8* padding = behind[2] == 5 ? behind + 6 : behind + 2;
    __u32 source = 0;

    if (header[7] != 1 || behind[0] != PFILD_ICMPV6 || behind[1] != 0)
        return 0;
    if (alert[0] != 5 || alert[1] != 2 || alert[2] || alert[3] || padding[0] > 1 || padding[1])
        return 0;
    for (__u32 i = 8; i < 24; i++)
        source |= header[i];
    if (source && (header[8] != 0xfe || (header[9] & 0xc0) != 0x80))
        return 0;
    return (icmp_type >= 130 && icmp_type <= 132) || icmp_type == 143;
}

#endif
