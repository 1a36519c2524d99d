/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What keeps a link up: what neighbours say to find one another and who listens to which group, and the frames by which
 * two ends of a link agree on it. It passes, but for the classes that hooks are asked about, as the interface's entry
 * says (pfild/abi.h).
 *
 * A class is what a packet is and in how many VLAN tags; transparent ones do not count. Control frames have none.
 */
#ifndef PFILD_UPKEEP_H
#define PFILD_UPKEEP_H

#include "pfild/packet.h"

enum pfild_upkeep {
    PFILD_NO_UPKEEP,
    PFILD_UPKEEP_ARP,
    PFILD_UPKEEP_DISCOVERY, /* ICMPv6 types 133 to 137, a number each */
    PFILD_UPKEEP_DISCOVERY_LAST = PFILD_UPKEEP_DISCOVERY + 4,
    PFILD_UPKEEP_LISTENERS,                                 /* 130 to 132 */
    PFILD_UPKEEP_LISTENERS_V2 = PFILD_UPKEEP_LISTENERS + 3, /* 143 */
    PFILD_UPKEEP_EAPOL,
    PFILD_UPKEEP_SLOW, /* LACP and its like */
    PFILD_UPKEEP_LLDP,
    PFILD_UPKEEP_PTP,
    PFILD_UPKEEP_MACSEC,
    PFILD_UPKEEP_STP,
    PFILD_UPKEEP_KINDS
};

/* The class of a kind in so many tags, at most two: the number of a bit. */
#define PFILD_UPKEEP_CLASS(kind, tags) ((__u32)(kind) + 20U * (tags))
#define PFILD_UPKEEP_BIT(class) (1ULL << ((class) & 63U))
/* All classes of control frames. */
#define PFILD_UPKEEP_CONTROL (PFILD_UPKEEP_BIT(PFILD_UPKEEP_KINDS) - PFILD_UPKEEP_BIT(PFILD_UPKEEP_EAPOL))

#define PFILD_CONTROL_LOOK (PFILD_ETHERNET_HEADER + 3) /* control frames are at least as long */
#define PFILD_LISTENER_LOOK 9

/* ICMPv6 of this type and hop limit is neighbour discovery (RFC 4861, section 4). It is of no flow. */
PFILD_INLINE int pfild_is_neighbour_discovery(__u8 icmp_type, __u8 hop_limit) {
    return hop_limit == 255 && icmp_type >= 133 && icmp_type <= 137;
}

PFILD_INLINE __u32 pfild_discovery_kind(__u8 icmp_type, __u8 hop_limit) {
    if (!pfild_is_neighbour_discovery(icmp_type, hop_limit))
        return PFILD_NO_UPKEEP;
    return PFILD_UPKEEP_DISCOVERY + icmp_type - 133U;
}

/*
 * What multicast listener discovery an IPv6 packet of next header 0 is (RFC 3810, section 5): from this link, behind a
 * hop-by-hop header of 8 bytes that holds a router alert for it. header: 40 bytes; behind: PFILD_LISTENER_LOOK.
 */
PFILD_INLINE __u32 pfild_listener_kind(const __u8* header, const __u8* behind) {
    const __u8 icmp_type = behind[8];
    const __u8* alert = behind[2] == 5 ? behind + 2 : behind + 4; /* the padding is behind it or before */
    const __u8* padding = behind[2] == 5 ? behind + 6 : behind + 2;
    __u64 source[2];

    if (header[7] != 1 || behind[0] != PFILD_ICMPV6 || behind[1] != 0)
        return PFILD_NO_UPKEEP;
    if (alert[0] != 5 || alert[1] != 2 || alert[2] || alert[3] || padding[0] > 1 || padding[1])
        return PFILD_NO_UPKEEP;
    __builtin_memcpy(source, header + 8, sizeof(source));
    if ((source[0] | source[1]) && (header[8] != 0xfe || (header[9] & 0xc0) != 0x80))
        return PFILD_NO_UPKEEP;
    if (icmp_type >= 130 && icmp_type <= 132)
        return PFILD_UPKEEP_LISTENERS + icmp_type - 130U;
    return icmp_type == 143 ? PFILD_UPKEEP_LISTENERS_V2 : PFILD_NO_UPKEEP;
}

/* To one of the 16 group addresses that no bridge forwards (IEEE 802.1Q, table 8-1). */
PFILD_INLINE int pfild_is_to_link(const __u8* frame) {
    return pfild_number_at(frame) == 0x0180 && pfild_number_at(frame + 2) == 0xc200 &&
           (pfild_number_at(frame + 4) & 0xfff0) == 0;
}

/* Of a frame without tags. STP has a length in place of a type, and then LLC. frame: PFILD_CONTROL_LOOK. */
PFILD_INLINE __u32 pfild_control_kind(const __u8* frame) {
    const __u8* llc = frame + PFILD_ETHERNET_HEADER;
    const __u16 type = pfild_number_at(frame + 12);

    if (!pfild_is_to_link(frame))
        return PFILD_NO_UPKEEP;
    switch (type) {
    case 0x888e:
        return PFILD_UPKEEP_EAPOL;
    case 0x8809:
        return PFILD_UPKEEP_SLOW;
    case 0x88cc:
        return PFILD_UPKEEP_LLDP;
    case 0x88f7:
        return PFILD_UPKEEP_PTP;
    case 0x88e5:
        return PFILD_UPKEEP_MACSEC;
    default:
        break;
    }
    return type <= 1500 && pfild_number_at(llc) == 0x4242 && llc[2] == 0x03 ? PFILD_UPKEEP_STP : PFILD_NO_UPKEEP;
}

#endif
