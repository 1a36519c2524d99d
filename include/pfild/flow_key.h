/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the key of a flow from the first bytes of a frame. The same lines run in the heads (TC and XDP) and in the
 * engine, so that both always mean the same flow. No maps, no state.
 */
#ifndef PFILD_FLOW_KEY_H
#define PFILD_FLOW_KEY_H

#include "pfild/packet.h"
#include "pfild/upkeep.h"

/* The longest run of bytes that is looked at: Ethernet, two tags, the longest IPv4 header, ports. */
#define PFILD_FLOW_LOOK (14 + 8 + 60 + 4)

/* Source and destination by direction: remote is the other side of the interface. */
PFILD_INLINE int pfild_key_ports(struct pfild_flow_key* key, const __u8* at, const __u8* end, int outgoing) {
    __be16 source, destination;

    if (!pfild_has_ports(key->protocol))
        return 1;
    if (at + sizeof(struct pfild_ports) > end)
        return 0;
    source = pfild_be16_at(at);
    destination = pfild_be16_at(at + sizeof(source));
    key->remote_port = outgoing ? destination : source;
    key->local_port = outgoing ? source : destination;
    return 1;
}

PFILD_INLINE void pfild_key_addresses(struct pfild_flow_key* key, const __u8* source, __u32 words, int outgoing) {
    const __u8* destination = source + sizeof(__be32) * words;

    for (__u32 i = 0; i < words; i++) {
        __be32 from = pfild_be32_at(source + sizeof(__be32) * i);
        __be32 to = pfild_be32_at(destination + sizeof(__be32) * i);

        key->remote[i] = outgoing ? to : from;
        key->local[i] = outgoing ? from : to;
    }
}

/* ICMPv6 that has no type, or that is neighbour discovery. */
PFILD_INLINE int pfild_is_of_no_flow(const struct pfild_packet* packet, const __u8* at, const __u8* end) {
    const __u8* type = at + PFILD_INET6_HEADER;

    if (packet->next_header != PFILD_ICMPV6)
        return 0;
    return type + 1 > end || pfild_is_neighbour_discovery(*type, at[7]);
}

PFILD_INLINE __u32 pfild_read_inet_key(struct pfild_flow_key* key, struct pfild_packet* packet, const __u8* at,
                                       const __u8* end, int outgoing) {
    const __u8* transport = pfild_read_inet(packet, at, end);
    __u32 header;

    if (!transport)
        return 0;
    header = packet->transport - packet->network;
    /* A total of 0 is a segment that the kernel has not cut yet. */
    if (!packet->length)
        packet->length = header;
    else if (packet->length < header + 4)
        return 0;
    if (header < PFILD_INET_HEADER || packet->fragment || packet->more)
        return 0;
    key->family = 4;
    key->protocol = packet->protocol;
    pfild_key_addresses(key, at + 12, 1, outgoing);
    return pfild_key_ports(key, transport, end, outgoing) ? packet->length : 0;
}

PFILD_INLINE __u32 pfild_read_inet6_key(struct pfild_flow_key* key, struct pfild_packet* packet, const __u8* at,
                                        const __u8* end, int outgoing) {
    const __u8* transport = pfild_read_inet6(packet, at, end);

    if (!transport || pfild_is_extension(packet->next_header))
        return 0;
    /* A length of 0 is a jumbogram, or a segment that the kernel has not cut yet. */
    if (!packet->length)
        packet->length = PFILD_INET6_HEADER;
    else if (packet->length < PFILD_INET6_HEADER + 4)
        return 0;
    if (pfild_is_of_no_flow(packet, at, end))
        return 0;
    key->family = 6;
    key->protocol = packet->protocol;
    pfild_key_addresses(key, at + 8, 4, outgoing);
    return pfild_key_ports(key, transport, end, outgoing) ? packet->length : 0;
}

/*
 * Not 0: the packet is canonical and `key` is whole; it is how many bytes the frame has by its headers, as far as they
 * say (a segment that the kernel has not cut yet may not). 0: it is not; `key` is then of no use. Tags are in the key
 * literally, those of VLAN 0 too.
 * => `key` is zero but for ifindex, and for a tag that is beside the packet, if there is one.
 */
PFILD_INLINE __u32 pfild_read_flow_key(struct pfild_flow_key* key, const __u8* data, const __u8* end, int outgoing) {
    struct pfild_packet packet = {};
    const __u8* at;
    __u32 length = 0; /* of the network header, from it on */

    packet.tags = key->tags;
    packet.tag[0] = key->tag[0];
    at = pfild_read_link(&packet, data, end, 0);
    if (!at)
        return 0;
    key->tags = packet.tags;
    key->tag[0] = packet.tag[0];
    key->tag[1] = packet.tag[1];
    if (packet.type == PFILD_BE16(PFILD_ETH_INET))
        length = pfild_read_inet_key(key, &packet, at, end, outgoing);
    else if (packet.type == PFILD_BE16(PFILD_ETH_INET6))
        length = pfild_read_inet6_key(key, &packet, at, end, outgoing);
    return length ? packet.network + length : 0;
}

#endif
