/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of packets (pfild/packet.h) behind the IP header: IPv6 extension headers, fragments, ports.
 *
 * Walked are eight headers, in the order of RFC 8200 4.1, at most PFILD_MOST_EXTENSIONS of them and 256 bytes. Those
 * that are cut short, out of order or too long are bad, and so is a routing header of type 0 (RFC 5095).
 */
#ifndef PFILD_UPPER_LAYER_H
#define PFILD_UPPER_LAYER_H

#include "pfild/packet.h"

/* How early an extension header stands (RFC 8200, 4.1). Destination options may stand anywhere, twice. */
PFILD_INLINE __u32 pfild_extension_rank(__u8 header) {
    switch (header) {
    case PFILD_HOP_BY_HOP:
        return 1;
    case PFILD_ROUTING:
        return 2;
    case PFILD_FRAGMENT:
        return 3;
    case PFILD_AUTHENTICATION:
        return 4;
    default:
        return 5; /* of mobility, HIP and shim6, one */
    }
}

/* Whether a header may follow, of those that may stand in one place only. rank: of the last that did, and this one's
 * from here on. */
PFILD_INLINE int pfild_in_order(__u8 header, __u32 position, __u32* rank, __u32* options) {
    __u32 own;

    if (header == PFILD_DESTINATION_OPTIONS)
        return ++*options <= 2;
    own = pfild_extension_rank(header);
    if (own <= *rank || (header == PFILD_HOP_BY_HOP && position))
        return 0;
    *rank = own;
    return 1;
}

PFILD_INLINE __u32 pfild_extension_length(__u8 header, const __u8* at) {
    if (header == PFILD_FRAGMENT)
        return 8;
    if (header == PFILD_AUTHENTICATION)
        return 4U * (at[1] + 2U);
    return 8U * (at[1] + 1U);
}

/*
 * Extension headers, which begin at `at` and with all else end at `end`. Returns where the upper layer
 * begins, or a later fragment's payload; 0: they are bad.
 */
PFILD_INLINE const __u8* pfild_read_extensions(struct pfild_packet* packet, const __u8* at, const __u8* end) {
    const __u8* first = at;
    __u32 rank = 0, options = 0, length;

    packet->folded_next = packet->protocol;
    packet->oddity = PFILD_ODD_EXTENSIONS;
    while (pfild_is_extension(packet->protocol)) {
        __u8 header = packet->protocol;

        if (packet->extensions == PFILD_MOST_EXTENSIONS || end - at < 8 ||
            !pfild_in_order(header, packet->extensions, &rank, &options))
            return 0;
        length = pfild_extension_length(header, at);
        if (length > (__u32)(end - at) || (__u32)(at - first) + length > PFILD_MOST_EXTENSION_BYTES)
            return 0;
        if (header == PFILD_ROUTING) {
            if (at[2] == 0)
                return 0;
            packet->routed = at[3] != 0;
        }
        packet->protocol = at[0];
        packet->extensions++;
        if (header == PFILD_FRAGMENT) {
            __u16 fragment = pfild_number_at(at + 2);

            packet->fragment = fragment >> 3;
            packet->more = fragment & 1;
        }
        at += length;
        packet->transport += length;
        if (packet->fragment) /* a later one: no header follows, and its own must stay */
            break;
        packet->foldable += length;
        packet->folded_next = packet->protocol;
    }
    packet->oddity = PFILD_NOT_ODD;
    return at;
}

/* Ports and flags at `at`, if they are there. => the packet is no later fragment. */
PFILD_INLINE void pfild_read_transport(struct pfild_packet* packet, const __u8* at, const __u8* end) {
    const __u32 tcp_flags = 13;

    if (!pfild_has_ports(packet->protocol) || at + sizeof(struct pfild_ports) > end)
        return;
    packet->source_port = pfild_be16_at(at);
    packet->destination_port = pfild_be16_at(at + sizeof(__be16));
    packet->has_ports = 1;
    packet->header_length = 8;
    if (packet->protocol == PFILD_TCP) {
        packet->header_length = 0;
        if (at + tcp_flags + 1 > end)
            return;
        packet->tcp_flags = at[tcp_flags];
        packet->header_length = 4U * (at[tcp_flags - 1] >> 4);
    }
}

/* So much of the upper layer a first fragment must have: ports, flags, or the type of a message. */
PFILD_INLINE __u32 pfild_first_fragment_needs(__u8 protocol) {
    if (protocol == PFILD_TCP)
        return 14;
    return pfild_has_ports(protocol) || protocol == PFILD_ICMP || protocol == PFILD_ICMPV6 ? 8 : 0;
}

/* Whether a fragment could lead a filter past the ports and flags of the whole. length: bytes from `transport` on. */
PFILD_INLINE int pfild_is_odd_fragment(const struct pfild_packet* packet, __u32 length) {
    if (packet->fragment == 1) /* over the flags, or over what is left of the headers */
        return packet->protocol == PFILD_TCP || (packet->family == 6 && pfild_is_extension(packet->protocol));
    return !packet->fragment && packet->more && length < pfild_first_fragment_needs(packet->protocol);
}

/*
 * The network header and all behind it, which is at packet->network of the frame and in memory at `at`. behind: bytes
 * that the frame has from there on; those up to PFILD_NETWORK_LOOK, as far as there are any, are before `end`.
 */
PFILD_INLINE void pfild_read_network(struct pfild_packet* packet, const __u8* at, const __u8* end, __u32 behind) {
    const __u8* transport = 0;
    __u32 length, before;

    if (packet->type == PFILD_BE16(PFILD_ETH_INET))
        transport = pfild_read_inet(packet, at, end);
    else if (packet->type == PFILD_BE16(PFILD_ETH_INET6))
        transport = pfild_read_inet6(packet, at, end);
    if (!transport)
        return;
    length = packet->length && packet->length < behind ? packet->length : behind;
    if ((__u32)(end - at) > length)
        end = at + length;
    if (packet->family == 6 && transport <= end)
        transport = pfild_read_extensions(packet, transport, end);
    if (!transport)
        return;
    before = packet->transport - packet->network;
    if (pfild_is_odd_fragment(packet, length > before ? length - before : 0))
        packet->oddity = PFILD_ODD_FRAGMENT;
    if (!packet->fragment && before <= (__u32)(end - at))
        pfild_read_transport(packet, transport, end);
}

#endif
