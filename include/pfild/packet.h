/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one reader of packets: from the bytes of a frame to what stands where in it. Flow keys, the engine's view, hooks'
 * folding, checksums and counts of segments all take what they know of a packet from here. C11, C++20 and BPF C. No
 * maps, no state.
 *
 *     | addresses 12 | tag 4 .. | type 2 | IP header | extension headers .. | upper layer's header | payload
 *                                        ^ network    <--- extensions ---->  ^ transport
 *
 * Four stages, each behind the last; who needs less stops earlier:
 *
 *     pfild_read_link       tags and type                                      here
 *     pfild_read_inet, 6    the IP header                                      here
 *     pfild_read_extensions IPv6 extension headers                             pfild/upper_layer.h
 *     pfild_read_transport  ports, TCP flags, length of the header             pfild/upper_layer.h
 *
 * A tag of VLAN 0 is transparent: the kernel takes off any number of them, in any place, before it looks for IP. Tags
 * are read through such ones (engine), or literally, at most two of either kind (keys).
 *
 * Nothing is read at or behind `end`. In BPF, words are loaded as words: a frame starts at an address that is 2 modulo
 * 4, or the machine loads words from anywhere (the kernel's condition for BPF programs). Elsewhere any address will do.
 */
#ifndef PFILD_PACKET_H
#define PFILD_PACKET_H

#include "pfild/flow.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PFILD_BE16(value) ((__be16)__builtin_bswap16(value))
#else
#define PFILD_BE16(value) ((__be16)(value))
#endif

#define PFILD_INLINE static inline __attribute__((always_inline))
#define PFILD_ETHERNET_HEADER 14
#define PFILD_TAG_LENGTH 4
#define PFILD_INET_HEADER 20
#define PFILD_INET6_HEADER 40
#define PFILD_MOST_EXTENSIONS 8
#define PFILD_MOST_EXTENSION_BYTES 256
/* Nobody looks further from the network header on: an IPv6 header, its longest extensions, the longest TCP header. */
#define PFILD_NETWORK_LOOK (PFILD_INET6_HEADER + PFILD_MOST_EXTENSION_BYTES + 60)

enum pfild_ether_type {
    PFILD_ETH_INET = 0x0800,
    PFILD_ETH_ARP = 0x0806,
    PFILD_ETH_VLAN = 0x8100,
    PFILD_ETH_INET6 = 0x86dd,
    PFILD_ETH_SERVICE_VLAN = 0x88a8,
};

enum pfild_protocol {
    PFILD_HOP_BY_HOP = 0,
    PFILD_ICMP = 1,
    PFILD_TCP = 6,
    PFILD_UDP = 17,
    PFILD_DCCP = 33,
    PFILD_ROUTING = 43,
    PFILD_FRAGMENT = 44,
    PFILD_AUTHENTICATION = 51,
    PFILD_ICMPV6 = 58,
    PFILD_DESTINATION_OPTIONS = 60,
    PFILD_SCTP = 132,
    PFILD_MOBILITY = 135,
    PFILD_UDP_LITE = 136,
    PFILD_HIP = 139,
    PFILD_SHIM6 = 140,
};

/* By none of these is a filter to be led past the ports it guards. */
enum pfild_oddity {
    PFILD_NOT_ODD,
    PFILD_ODD_EXTENSIONS, /* cut short, out of order, too many, too long, or a routing header of type 0 */
    PFILD_ODD_FRAGMENT,   /* TCP at offset 1, or a first fragment that ends before its ports and flags */
};

/* Offsets are from the beginning of the frame. */
struct pfild_packet {
    __u32 network;                             /* of what stands behind the tags that are looked through */
    __u32 transparent;                         /* tags of VLAN 0 that were looked through */
    __be16 type;                               /* of what stands at `network` */
    __u8 tags;                                 /* in `tag` */
    __u8 family;                               /* 4, 6; 0: no IP header, and nothing below is known */
    struct pfild_flow_tag tag[PFILD_MAX_TAGS]; /* innermost first */

    __u8 protocol;    /* the upper layer; of a later fragment, what its header says */
    __u8 next_header; /* as the IP header says it */
    __u8 extensions;  /* how many extension headers */
    __u8 oddity;      /* enum pfild_oddity */
    __u16 fragment;   /* offset, units of 8 bytes */
    __u8 more;        /* more fragments follow */
    __u8 routed;      /* a routing header has hops to go: the destination is not the last */
    __u32 length;     /* bytes of the IP packet by its header; 0: it does not say */
    __u32 transport;  /* of a later fragment: of its payload */
    __u32 foldable;   /* bytes of extensions that may be taken out: all, or what is in front of a fragment's header */
    __u8 folded_next; /* what then follows the IP header */
    __u8 has_ports;   /* ports and, of TCP, flags and header_length are known */
    __u8 tcp_flags;
    __u8 header_length; /* of TCP; else 8 */
    __be16 source_port;
    __be16 destination_port;
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

PFILD_INLINE __be16 pfild_be16_at(const __u8* at) {
#ifdef __bpf__
    return *(const __be16*)at;
#else
    __be16 value;

    __builtin_memcpy(&value, at, sizeof(value));
    return value;
#endif
}

PFILD_INLINE __be32 pfild_be32_at(const __u8* at) {
#ifdef __bpf__
    return *(const __be32*)at;
#else
    __be32 value;

    __builtin_memcpy(&value, at, sizeof(value));
    return value;
#endif
}

PFILD_INLINE __u16 pfild_number_at(const __u8* at) { return PFILD_BE16(pfild_be16_at(at)); }

PFILD_INLINE int pfild_is_tag(__be16 type) {
    return type == PFILD_BE16(PFILD_ETH_VLAN) || type == PFILD_BE16(PFILD_ETH_SERVICE_VLAN);
}

/* The kernel takes such a tag off and goes on as if it had not been there; its priority bits do not matter. */
PFILD_INLINE int pfild_is_transparent(__be16 tci) { return !(tci & PFILD_BE16(0x0fff)); }

/* The first four bytes are two ports. */
PFILD_INLINE int pfild_has_ports(__u8 protocol) {
    return protocol == PFILD_TCP || protocol == PFILD_UDP || protocol == PFILD_DCCP || protocol == PFILD_SCTP ||
           protocol == PFILD_UDP_LITE;
}

/* IPv6 next headers that are walked. All else is the upper layer and ends the walk, also ESP, "no next header" and the
 * two numbers for experiments: the kernel knows no header behind them. */
PFILD_INLINE int pfild_is_extension(__u8 next_header) {
    return next_header == PFILD_HOP_BY_HOP || next_header == PFILD_ROUTING || next_header == PFILD_FRAGMENT ||
           next_header == PFILD_AUTHENTICATION || next_header == PFILD_DESTINATION_OPTIONS ||
           next_header == PFILD_MOBILITY || next_header == PFILD_HIP || next_header == PFILD_SHIM6;
}

/* Takes a tag into account. 0: it is not looked through, since there are as many as are. */
PFILD_INLINE int pfild_take_tag(struct pfild_packet* packet, __be16 type, __be16 tci, int through) {
    if (through && pfild_is_transparent(tci)) {
        packet->transparent++;
        return 1;
    }
    if (packet->tags >= PFILD_MAX_TAGS)
        return 0;
    packet->tag[1] = packet->tag[0];
    packet->tag[0].type = type;
    packet->tag[0].tci = tci;
    packet->tags++;
    return 1;
}

/*
 * Tags and type. Returns where the network header is; 0: there is no Ethernet header. through: tags of VLAN 0 are
 * transparent; else tags are read literally, at most two. A tag that is not looked through, or that is cut short, stays
 * as `type`.
 * => `packet` is zero but for a tag that is beside the packet, if there is one.
 */
PFILD_INLINE const __u8* pfild_read_link(struct pfild_packet* packet, const __u8* data, const __u8* end, int through) {
    const __u8* at = data + PFILD_ETHERNET_HEADER;
    const __u32 most = through ? ~0U : PFILD_MAX_TAGS;

    if (at > end)
        return 0;
    packet->network = PFILD_ETHERNET_HEADER;
    packet->type = pfild_be16_at(data + PFILD_ETHERNET_HEADER - sizeof(__be16));
    for (__u32 i = 0; i < most && pfild_is_tag(packet->type); i++) {
        if (at + PFILD_TAG_LENGTH > end || !pfild_take_tag(packet, packet->type, pfild_be16_at(at), through))
            break;
        packet->type = pfild_be16_at(at + sizeof(__be16));
        packet->network += PFILD_TAG_LENGTH;
        at += PFILD_TAG_LENGTH;
    }
    return at;
}

/* The IPv4 header at `at`. Returns where the transport header would be; 0: this is no IPv4 header. */
PFILD_INLINE const __u8* pfild_read_inet(struct pfild_packet* packet, const __u8* at, const __u8* end) {
    __u32 header;
    __u16 fragment;

    if (at + PFILD_INET_HEADER > end || at[0] >> 4 != 4)
        return 0;
    header = 4U * (at[0] & 15);
    fragment = pfild_number_at(at + 6);
    packet->family = 4;
    packet->next_header = at[9];
    packet->protocol = at[9];
    packet->length = pfild_number_at(at + 2);
    packet->more = (fragment & 0x2000) != 0;
    packet->fragment = fragment & 0x1fff;
    packet->transport = packet->network + header;
    return at + header;
}

/* The IPv6 header at `at`, as above. What follows may be an extension header. */
PFILD_INLINE const __u8* pfild_read_inet6(struct pfild_packet* packet, const __u8* at, const __u8* end) {
    __u32 payload;

    if (at + PFILD_INET6_HEADER > end || at[0] >> 4 != 6)
        return 0;
    payload = pfild_number_at(at + 4);
    packet->family = 6;
    packet->next_header = at[6];
    packet->protocol = at[6];
    packet->length = payload ? PFILD_INET6_HEADER + payload : 0; /* a jumbogram, or not cut yet */
    packet->transport = packet->network + PFILD_INET6_HEADER;
    return at + PFILD_INET6_HEADER;
}

#endif
