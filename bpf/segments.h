/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * How many packets a socket buffer stands for: one, or the segments that the kernel has not cut yet (GSO). A guest's or
 * tap's buffer comes without that number (gso_segs is 0, gso_size is not): then it is computed as the kernel will.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "pfild/packet.h"

#define TCP_OFFSET 12 /* of the byte with the header's length in words, upper four bits */

/* Bytes in front of the payload; 0: not to be told. Protocol header of TCP, or 8 bytes (UDP). */
static __always_inline __u32 header_bytes(const __u8* data, const __u8* end) {
    struct pfild_packet packet = {};
    const __u8 *at = pfild_read_link(&packet, data, end, 0), *transport = 0;

    if (!at)
        return 0;
    if (packet.type == PFILD_BE16(PFILD_ETH_INET))
        transport = pfild_read_inet(&packet, at, end);
    else if (packet.type == PFILD_BE16(PFILD_ETH_INET6))
        transport = pfild_read_inet6(&packet, at, end);
    if (!transport)
        return 0;
    if (packet.protocol != PFILD_TCP)
        return packet.transport + 8;
    if (transport + TCP_OFFSET + 1 > end)
        return 0;
    return packet.transport + 4U * (transport[TCP_OFFSET] >> 4);
}

__weak __noinline __u32 uncut_segments(struct __sk_buff* skb) {
    __u32 headers = header_bytes((const void*)(long)skb->data, (const void*)(long)skb->data_end);
    __u32 size = skb->gso_size;

    if (!headers || !size || skb->len <= headers)
        return 1;
    return (skb->len - headers + size - 1) / size;
}

static __always_inline __u32 packets_of(struct __sk_buff* skb) {
    if (skb->gso_segs)
        return skb->gso_segs;
    return skb->gso_size ? uncut_segments(skb) : 1;
}
