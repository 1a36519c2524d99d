/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * How many packets a socket buffer stands for: one, or the segments that the kernel has not cut yet (GSO). A guest's or
 * tap's buffer comes without that number (gso_segs is 0, gso_size is not): then it is computed as the kernel will.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "pfild/flow_key.h"

#define PFILD_TCP 6
#define PFILD_TCP_OFFSET 12 /* of the byte with the header's length in words, upper four bits */

/* Bytes in front of the payload; 0: not to be told. Protocol header of TCP, or 8 bytes (UDP). */
static __always_inline __u32 header_bytes(const __u8* data, const __u8* end) {
    const struct pfild_ethernet* frame = (const void*)data;
    const __u8* at = data + sizeof(*frame);
    __u32 length = sizeof(*frame), protocol;
    __be16 type;

    if (at > end)
        return 0;
    type = frame->type;
    for (int i = 0; i < PFILD_MAX_TAGS && pfild_is_tag(type); i++) {
        const struct pfild_inband_tag* tag = (const void*)at;

        if (at + sizeof(*tag) > end)
            return 0;
        type = tag->type;
        at += sizeof(*tag);
        length += sizeof(*tag);
    }
    if (type == PFILD_BE16(0x0800)) {
        const struct pfild_inet* header = (const void*)at;

        if (at + sizeof(*header) > end)
            return 0;
        protocol = header->protocol;
        length += 4U * (header->version_length & 15);
        at += 4U * (header->version_length & 15);
    } else if (type == PFILD_BE16(0x86dd)) {
        const struct pfild_inet6* header = (const void*)at;

        if (at + sizeof(*header) > end)
            return 0;
        protocol = header->next_header;
        length += sizeof(*header);
        at += sizeof(*header);
    } else {
        return 0;
    }
    if (protocol != PFILD_TCP)
        return length + 8;
    if (at + PFILD_TCP_OFFSET + 1 > end)
        return 0;
    return length + 4U * (at[PFILD_TCP_OFFSET] >> 4);
}

static __noinline __u32 uncut_segments(struct __sk_buff* skb) {
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
