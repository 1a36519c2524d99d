/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * A packet as a head meets it: a socket buffer under TC, bytes that the driver has received under XDP. What a head does
 * is written once (decide.h); here is what differs.
 *
 * in_xdp.bpf.c defines PFILD_HEAD_XDP first; all others are TC programs.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "pfild/flow_key.h"
#include "segments.h"

/* Who takes a packet that a head cannot answer. */
enum taker { TAKER_NOBODY, TAKER_ENGINE, TAKER_TC_HEAD };

#ifdef PFILD_HEAD_XDP

typedef struct xdp_md packet_context;

#define CHAINS xdp_chains

/* No offload has put packets together or taken a tag out, where the daemon attaches XDP. tag_of: whether the outermost
 * tag is beside the packet. */
static __always_inline __u32 packets_in(packet_context* packet) {
    (void)packet;
    return 1;
}
/* by_headers: what the headers say. Only when that is more than the first buffer has, are there others to be asked for.
 */
static __always_inline __u64 bytes_in(packet_context* packet, __u32 by_headers) {
    __u64 first = (__u64)packet->data_end - (__u64)packet->data;

    return by_headers <= first ? first : bpf_xdp_get_buff_len(packet);
}
static __always_inline __u32 length_of(packet_context* packet) { return (__u32)bpf_xdp_get_buff_len(packet); }
static __always_inline int tag_of(packet_context* packet, __be16* type, __be16* tci) {
    (void)packet;
    (void)type;
    (void)tci;
    return 0;
}
static __always_inline __u32 interface_of(const packet_context* packet) { return packet->ingress_ifindex; }
static __always_inline long load_bytes(packet_context* packet, __u32 offset, void* to, __u32 length) {
    return bpf_xdp_load_bytes(packet, offset, to, length);
}
/* Nobody takes packets from a socket that is not there: the kernel empties the slot when the engine's socket closes. */
static __always_inline enum taker taker_of(const packet_context* packet, const struct pfild_interface* self,
                                           __u32 lane) {
    __u32 queue = packet->rx_queue_index;
    __u32 socket = PFILD_QUEUE_SOCKET(self->slot, queue);

    if (queue < PFILD_MAX_QUEUES && bpf_map_lookup_elem(&queue_sockets, &socket))
        return TAKER_ENGINE;
    /* The engine's other socket is there: this queue is new, or more than can be served. */
    return bpf_map_lookup_elem(&sockets, &lane) ? TAKER_TC_HEAD : TAKER_NOBODY;
}

#else

typedef struct __sk_buff packet_context;

#define CHAINS tc_chains

static __always_inline __u32 packets_in(packet_context* packet) { return packets_of(packet); }
static __always_inline __u64 bytes_in(packet_context* packet, __u32 by_headers) {
    (void)by_headers;
    return packet->len;
}

static __always_inline __u32 length_of(packet_context* packet) { return packet->len; }
static __always_inline int tag_of(packet_context* packet, __be16* type, __be16* tci) {
    if (!packet->vlan_present)
        return 0;
    *type = (__be16)packet->vlan_proto;
    *tci = bpf_htons(packet->vlan_tci);
    return 1;
}
static __always_inline __u32 interface_of(const packet_context* packet) { return packet->ifindex; }
static __always_inline long load_bytes(packet_context* packet, __u32 offset, void* to, __u32 length) {
    return bpf_skb_load_bytes(packet, offset, to, length);
}
/* As above; a lane has one socket. */
static __always_inline enum taker taker_of(const packet_context* packet, const struct pfild_interface* self,
                                           __u32 lane) {
    (void)packet;
    (void)self;
    return bpf_map_lookup_elem(&sockets, &lane) ? TAKER_ENGINE : TAKER_NOBODY;
}

#endif

/*
 * In the packet; not of a tag beside it. What goes out by a packet socket has in skb->protocol what its sender says,
 * whatever is in the packet: it is not asked.
 */
static __always_inline __be16 first_type(packet_context* packet) {
    __be16 type = 0;

    load_bytes(packet, PFILD_ETHERNET_HEADER - sizeof(type), &type, sizeof(type));
    return type;
}
