/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The IN head where XDP runs on the interface: a packet is decided before the kernel has made a socket buffer of it,
 * and diverted straight into the engine's socket of its receive queue. It comes back by in_tc.bpf.c like any other.
 *
 * libxdp loads it, as a part of a dispatcher where the kernel allows that, and alone where not.
 */
#define PFILD_HEAD_XDP

#include <xdp/xdp_helpers.h>

#include "decide.h"
#include "identity.h"

/* Behind programs that only drop (priority 10 by custom), before those that look at what is left (50). */
struct {
    __uint(priority, 20);
    __uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(pfild_in_xdp);

/* An Ethernet header with room in front of it for the label. */
struct labelled {
    __u32 addresses[3];
    __be16 type;
    __be16 label;
};

/* Takes room in front of the packet and moves the addresses there: the label is then where a tag would be. */
static __always_inline int push_label(struct xdp_md* packet, __u16 label) {
    struct labelled* frame;
    __u32 addresses[3];

    if (bpf_xdp_adjust_head(packet, -PFILD_LABEL_SIZE))
        return 0;
    frame = (void*)(long)packet->data;
    if ((const void*)(frame + 1) > (const void*)(long)packet->data_end)
        return 0;
    addresses[0] = *(__u32*)((__u8*)frame + PFILD_LABEL_SIZE);
    addresses[1] = *(__u32*)((__u8*)frame + PFILD_LABEL_SIZE + 4);
    addresses[2] = *(__u32*)((__u8*)frame + PFILD_LABEL_SIZE + 8);
    frame->addresses[0] = addresses[0];
    frame->addresses[1] = addresses[1];
    frame->addresses[2] = addresses[2];
    frame->type = bpf_htons(PFILD_LABEL_TYPE);
    frame->label = bpf_htons(label);
    return 1;
}

static __always_inline int divert(struct xdp_md* packet, const struct pfild_interface* self, const struct head head,
                                  struct pfild_flow* flow) {
    __u32 lane = lane_of(self, head), socket = PFILD_QUEUE_SOCKET(self->slot, packet->rx_queue_index);
    int action;

    if (!push_label(packet, label_for(flow, 0))) {
        count(lane, PFILD_COUNT_DROPPED_LABEL);
        return XDP_DROP;
    }
    action = (int)bpf_redirect_map(&queue_sockets, socket, XDP_DROP);
    if (action == XDP_DROP)
        count(lane, PFILD_COUNT_DROPPED_SOCKETLESS);
    else
        count_diverted(packet, lane, head, flow);
    return action;
}

/* For the TC head. 0: the driver has no room for metadata, and the TC head decides once more, with the same answer. */
static __always_inline int mark_passed(struct xdp_md* packet, __u32 lane) {
    const struct pfild_secret* secret = bpf_map_lookup_elem(&secrets, &lane);
    __u32* mark;

    if (!secret || bpf_xdp_adjust_meta(packet, -(int)sizeof(secret->decided)))
        return 0;
    mark = (void*)(long)packet->data_meta;
    if ((const void*)(mark + 2) > (const void*)(long)packet->data)
        return 0;
    mark[0] = secret->decided[0];
    mark[1] = secret->decided[1];
    return 1;
}

/*
 * To the TC head, which takes this head's mark as a decision. Who has seen one, in a packet that went on to him, may
 * have put it in front of another: no metadata that came with the packet goes on.
 */
static __always_inline int leave(struct xdp_md* packet) {
    long size = (void*)(long)packet->data - (void*)(long)packet->data_meta; /* below 0: the driver has none */

    if (size > 0)
        bpf_xdp_adjust_meta(packet, (int)size);
    return XDP_PASS;
}

SEC("xdp.frags")
int pfild_in_xdp(struct xdp_md* packet) {
    const struct pfild_interface* self = own_interface(packet->ingress_ifindex);
    const struct head head = {.divert = PFILD_DIVERT_IN, .chain = PFILD_CHAIN_IN, .outgoing = 0};
    struct known known = {};
    enum course course;

    /* Not (any more) attached; or the driver runs the program of a device for those below it (a bond). TC decides. */
    if (!self)
        return leave(packet);
    if (self->flags & head.divert)
        known = look_up(packet, head);
    course = decide(packet, self, head, known);
    if (course == COURSE_PASS && !mark_passed(packet, lane_of(self, head)))
        course = COURSE_LEFT;
    if (course != COURSE_LEFT) /* else the TC head does */
        tap(packet, lane_of(self, head), head.outgoing);
    switch (course) {
    case COURSE_PASS:
        return XDP_PASS;
    case COURSE_DIVERT:
        return divert(packet, self, head, known.flow);
    case COURSE_LEFT:
        return leave(packet); /* unmarked */
    default:
        return XDP_DROP;
    }
}

char _license[] SEC("license") = "Dual BSD/GPL";
