/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What a head must know of a packet before it may decide anything. No maps, no state. The parser works on bytes that
 * were copied out of the packet, so that the same lines run under TC, under XDP and in a host test.
 */
#pragma once

#include <linux/types.h>

#include <bpf/bpf_endian.h>

#define PFILD_ETH_ARP 0x0806
#define PFILD_ETH_VLAN 0x8100
#define PFILD_ETH_SERVICE_VLAN 0x88a8
#define PFILD_ETH_IPV6 0x86dd

#define PFILD_ICMPV6 58
#define PFILD_ND_FIRST 133 /* router solicitation; then advertisement, neighbour solicitation, advertisement, */
#define PFILD_ND_LAST 137  /* redirect (RFC 4861, section 4) */

/* A VLAN tag behind an Ethernet type that says so: 4 bytes, network byte order. */
struct pfild_tag {
    __be16 tci;
    __be16 type; /* of what follows */
};

/* The bytes of an IPv6 packet that tell neighbour discovery: the header without addresses is not enough, hence 41. */
struct pfild_inet6_look {
    __u8 before[6];
    __u8 next_header;
    __u8 hop_limit;
    __u8 addresses[32];
    __u8 icmp_type;
};

static __always_inline int is_vlan(__be16 type) {
    return type == bpf_htons(PFILD_ETH_VLAN) || type == bpf_htons(PFILD_ETH_SERVICE_VLAN);
}

/*
 * Neighbour discovery as RFC 4861 accepts it: directly behind the IPv6 header, hop limit 255 (so from this link).
 * Behind an extension header it is an unknown packet like any other.
 */
static __always_inline int is_neighbour_discovery(const struct pfild_inet6_look* look) {
    return look->next_header == PFILD_ICMPV6 && look->hop_limit == 255 && look->icmp_type >= PFILD_ND_FIRST &&
           look->icmp_type <= PFILD_ND_LAST;
}
