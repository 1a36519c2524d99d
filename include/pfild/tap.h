/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tap: copies of packets that heads hand to the devices, over a BPF ring buffer, and what devices tell heads about
 * that. The copy never delays or drops the packet itself. C11 and C++20, host byte order where nothing else is said.
 *
 *     head --struct pfild_tap_packet, bytes--> ring `tap_ring` --> device thread
 *     head <--struct pfild_tap_state.wanted, sleeping------------- device thread, by memory both have mapped
 *     head --tail call--> PROG_ARRAY `tc_filters`, `xdp_filters`, by lane: enum pfild_tap_answer
 *
 * Incoming packets are taken before any hook decides about them, also those that are then dropped; outgoing ones after
 * all hooks have let them pass (contract BD-64). A record in the ring has one of a few sizes, as the kernel wants a
 * constant there; a packet's bytes beyond the largest are not taken, and `length` says so.
 */
#ifndef PFILD_TAP_H
#define PFILD_TAP_H

#include "pfild/abi.h"

/* Of a program that the daemon writes out of the filters of all devices (capture/tap_program.h). */
enum pfild_tap_answer {
    PFILD_TAP_TAKE, /* also if there is no program */
    PFILD_TAP_SKIP, /* nobody wants it */
};

#define PFILD_TAP_OUTGOING 0x1

struct pfild_tap_packet {
    __u64 time_ns;   /* CLOCK_MONOTONIC */
    __u32 ifindex;   /* of the interface */
    __u32 length;    /* of the packet as it is in memory, without the tag below */
    __u32 taken;     /* bytes that follow */
    __u16 flags;     /* PFILD_TAP_* */
    __be16 tag_type; /* outermost VLAN tag when it is beside the packet, as it would be behind the addresses; */
    __be16 tag_tci;  /* tag_type 0: none is */
    __u16 pad;
    __u32 lane;
};
PFILD_ASSERT_SIZE(struct pfild_tap_packet, 32);

/* Bytes of a packet that a record of each size holds; the last is a whole segment that the kernel has not cut yet. */
#define PFILD_TAP_TINY 96
#define PFILD_TAP_SMALL 480
#define PFILD_TAP_FRAME 2016
#define PFILD_TAP_JUMBO 9248
#define PFILD_TAP_LARGE 65632

/* The one entry of `tap_state`. */
struct pfild_tap_state {
    __u32 sleeping;                  /* the device thread waits for the ring: wake it */
    __u32 no_answer;                 /* always PFILD_TAP_TAKE; but the kernel's verifier does not know */
    __u32 wanted[PFILD_MAX_LANES];   /* by lane: bytes of each packet; 0: nobody listens */
    __u32 filtered[PFILD_MAX_LANES]; /* by lane: not 0: its program is asked, and counts in `tap_skipped` */
    __u64 lost[PFILD_MAX_LANES];     /* by lane: packets that found no room in the ring */
};
PFILD_ASSERT_SIZE(struct pfild_tap_state, 8 + 16 * PFILD_MAX_LANES);

#endif
