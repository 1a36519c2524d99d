/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the key of a flow from the first bytes of a frame. The same lines run in the heads (TC and XDP) and in the
 * engine, so that both always mean the same flow. No maps, no state.
 *
 * => the frame starts at an address that is 2 modulo 4, or the machine loads words from anywhere (the kernel's
 *    condition for BPF programs).
 */
#ifndef PFILD_FLOW_KEY_H
#define PFILD_FLOW_KEY_H

#include "pfild/flow.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PFILD_BE16(value) ((__be16)__builtin_bswap16(value))
#else
#define PFILD_BE16(value) ((__be16)(value))
#endif

/* The longest run of bytes that is looked at: Ethernet, two tags, the longest IPv4 header, ports. */
#define PFILD_FLOW_LOOK (14 + 8 + 60 + 4)

struct pfild_ethernet {
    __u8 addresses[12];
    __be16 type;
};

struct pfild_inband_tag {
    __be16 tci;
    __be16 type; /* of what follows */
};

struct pfild_inet {
    __u8 version_length; /* 4 bits each; length in words */
    __u8 service;
    __be16 total_length;
    __be16 id;
    __be16 fragment; /* reserved 1, DF 1, MF 1, offset 13 */
    __u8 ttl;
    __u8 protocol;
    __be16 checksum;
    __be32 source;
    __be32 destination;
};

struct pfild_inet6 {
    __be16 version_class;
    __be16 flow_label;
    __be16 payload_length;
    __u8 next_header;
    __u8 hop_limit;
    __be32 source[4];
    __be32 destination[4];
};

struct pfild_ports {
    __be16 source;
    __be16 destination;
};

/* TCP, UDP, DCCP, SCTP, UDP-Lite: the first four bytes are two ports. */
static inline __attribute__((always_inline)) int pfild_has_ports(__u8 protocol) {
    return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
}

/* IPv6 next headers that are not yet the payload: hop-by-hop, routing, fragment, authentication, destination options,
 * mobility, HIP, shim6, and the two for experiments (IANA). */
static inline __attribute__((always_inline)) int pfild_is_extension(__u8 next_header) {
    return next_header == 0 || next_header == 43 || next_header == 44 || next_header == 51 || next_header == 60 ||
           next_header == 135 || next_header == 139 || next_header == 140 || next_header == 253 || next_header == 254;
}

/*
 * Neighbour discovery as RFC 4861 accepts it: ICMPv6 of types 133 to 137, hop limit 255. It always passes, so it is of
 * no flow; neither is ICMPv6 without a type.
 */
static inline __attribute__((always_inline)) int pfild_is_discovery(const struct pfild_inet6* header, const __u8* end) {
    const __u8* type = (const __u8*)(header + 1);

    if (header->next_header != 58)
        return 0;
    return type + 1 > end || (header->hop_limit == 255 && *type >= 133 && *type <= 137);
}

/* Source and destination by direction: remote is the other side of the interface. */
static inline __attribute__((always_inline)) int pfild_read_ports(struct pfild_flow_key* key, const __u8* at,
                                                                  const __u8* end, int outgoing) {
    const struct pfild_ports* ports = (const struct pfild_ports*)at;

    if (!pfild_has_ports(key->protocol))
        return 1;
    if (at + sizeof(*ports) > end)
        return 0;
    key->remote_port = outgoing ? ports->destination : ports->source;
    key->local_port = outgoing ? ports->source : ports->destination;
    return 1;
}

static inline __attribute__((always_inline)) __u32 pfild_read_inet(struct pfild_flow_key* key, const __u8* at,
                                                                   const __u8* end, int outgoing) {
    const struct pfild_inet* header = (const struct pfild_inet*)at;
    __u32 length, total;

    if (at + sizeof(*header) > end || header->version_length >> 4 != 4)
        return 0;
    length = 4U * (header->version_length & 15);
    total = PFILD_BE16(header->total_length);
    /* A total of 0 is a segment that the kernel has not cut yet. */
    if (!total)
        total = length;
    else if (total < length + 4)
        return 0;
    if (length < sizeof(*header) || (header->fragment & PFILD_BE16(0x3fff)))
        return 0;
    key->family = 4;
    key->protocol = header->protocol;
    key->remote[0] = outgoing ? header->destination : header->source;
    key->local[0] = outgoing ? header->source : header->destination;
    return pfild_read_ports(key, at + length, end, outgoing) ? total : 0;
}

static inline __attribute__((always_inline)) __u32 pfild_read_inet6(struct pfild_flow_key* key, const __u8* at,
                                                                    const __u8* end, int outgoing) {
    const struct pfild_inet6* header = (const struct pfild_inet6*)at;
    __u32 payload;

    if (at + sizeof(*header) > end || (header->version_class & PFILD_BE16(0xf000)) != PFILD_BE16(0x6000))
        return 0;
    payload = PFILD_BE16(header->payload_length);
    /* A payload of 0 is a jumbogram, or a segment that the kernel has not cut yet. */
    if (pfild_is_extension(header->next_header) || (payload && payload < 4))
        return 0;
    if (pfild_is_discovery(header, end))
        return 0;
    key->family = 6;
    key->protocol = header->next_header;
    for (int i = 0; i < 4; i++) {
        key->remote[i] = outgoing ? header->destination[i] : header->source[i];
        key->local[i] = outgoing ? header->source[i] : header->destination[i];
    }
    return pfild_read_ports(key, at + sizeof(*header), end, outgoing) ? sizeof(*header) + payload : 0;
}

static inline __attribute__((always_inline)) int pfild_is_tag(__be16 type) {
    return type == PFILD_BE16(0x8100) || type == PFILD_BE16(0x88a8);
}

/*
 * Not 0: the packet is canonical and `key` is whole; it is how many bytes the frame has by its headers, as far as they
 * say (a segment that the kernel has not cut yet may not). 0: it is not; `key` is then of no use.
 * => `key` is zero but for ifindex, and for a tag that is beside the packet, if there is one.
 */
static inline __attribute__((always_inline)) __u32 pfild_read_flow_key(struct pfild_flow_key* key, const __u8* data,
                                                                       const __u8* end, int outgoing) {
    const struct pfild_ethernet* frame = (const struct pfild_ethernet*)data;
    const __u8* at = data + sizeof(*frame);
    __u32 before = sizeof(*frame), length = 0; /* of the network header, from it on */
    __be16 type;

    if (at > end)
        return 0;
    type = frame->type;
    for (int i = 0; i < PFILD_MAX_TAGS && pfild_is_tag(type); i++) {
        const struct pfild_inband_tag* tag = (const struct pfild_inband_tag*)at;

        if (key->tags >= PFILD_MAX_TAGS || at + sizeof(*tag) > end)
            return 0;
        key->tag[1] = key->tag[0];
        key->tag[0].type = type;
        key->tag[0].tci = tag->tci;
        key->tags++;
        type = tag->type;
        at += sizeof(*tag);
        before += sizeof(*tag);
    }
    if (type == PFILD_BE16(0x0800))
        length = pfild_read_inet(key, at, end, outgoing);
    else if (type == PFILD_BE16(0x86dd))
        length = pfild_read_inet6(key, at, end, outgoing);
    return length ? before + length : 0;
}

#endif
