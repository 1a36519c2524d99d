/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel half (bpf/) and the engine (daemon/, core/) must agree on: the label of a diverted packet, what a
 * head knows of its interface, and what it counts. C11 and C++20; sizes are asserted on both sides.
 */
#ifndef PFILD_ABI_H
#define PFILD_ABI_H

#include <linux/types.h>

#ifdef __cplusplus
#define PFILD_ASSERT_SIZE(type, size) static_assert(sizeof(type) == (size), #type)
#else
#define PFILD_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

/*
 * Label. A packet that a head diverts carries 16 bits for the engine as its outermost 802.1ad tag:
 *
 *      15  14  13  12 | 11 ............ 1 |  0
 *       1   0   1   0 |    incarnation    | FWD
 *
 * FWD: the packet is forwarded, not made here (PFIL_FWD, contract PF-15). incarnation: the head found an entry for the
 * packet in the flow table and counted it there; it names the entry's incarnation (pfild/flow.h), 0 when there was
 * none. The mark in the upper bits, with the tag's type, tells what a head sent from what the port pair's own stack
 * sends; the latter is dropped and counted.
 */
#define PFILD_LABEL_TYPE 0x88a8 /* ETH_P_8021AD, host byte order */
#define PFILD_LABEL_SIZE 4      /* bytes in the frame: type and value */
#define PFILD_LABEL_MARK 0xa000
#define PFILD_LABEL_MARK_MASK 0xf000
#define PFILD_LABEL_FWD 0x0001
#define PFILD_LABEL_INCARNATION(label) (((label) >> 1) & PFILD_LABEL_INCARNATION_MAX)
#define PFILD_LABEL_INCARNATION_MAX 0x7ffU

/* Instances attach at most so many interfaces; an interface's slot is below it. */
#define PFILD_MAX_INTERFACES 64

/*
 * A lane is one direction of one attached interface. Its number names its socket (lane IN comes up on q0, lane OUT on
 * p0), its counters and its secret.
 */
#define PFILD_LANE_IN(slot) (2U * (slot))
#define PFILD_LANE_OUT(slot) (2U * (slot) + 1U)
#define PFILD_MAX_LANES (2 * PFILD_MAX_INTERFACES)

/* Of an interface whose IN head is XDP, so many receive queues are served, each by a socket of its own. */
#define PFILD_MAX_QUEUES 64
#define PFILD_QUEUE_SOCKET(slot, queue) ((slot)*PFILD_MAX_QUEUES + (queue))
#define PFILD_MAX_QUEUE_SOCKETS (PFILD_MAX_INTERFACES * PFILD_MAX_QUEUES)

/*
 * The secret of a lane: random, and new with each attachment. What comes back from the engine carries it to the head
 * of that lane, which takes it off (bpf/reentry.h). No field of a packet is the re-entry's alone, as whoever sends from
 * a container can set each of them; so nobody may know what is in them. The kernel, its programs and root do.
 *
 * decided: the metadata of a packet that the XDP head has let pass; the TC head behind it lets it pass too. What comes
 * without it the TC head decides: of a queue without XDP, or after somebody removed the XDP head. A container's own
 * metadata arrives as well, and 32 bits would be found in an hour; hence 64.
 */
struct pfild_secret {
    __u32 cb[4];      /* skb->cb[0..3] */
    __u32 mark;       /* skb->mark, of lane IN; not 0 */
    __u32 tc_index;   /* skb->tc_index: 16 bits, above 255, which is as far as classifiers count */
    __u32 decided[2]; /* of lane IN: metadata of what the XDP head has let pass */
};
PFILD_ASSERT_SIZE(struct pfild_secret, 32);

/* Of the engine's sockets, the place behind all lanes: a socket of the daemon's that is there as long as it lives. */
#define PFILD_LIFE PFILD_MAX_LANES

/* What a head does with packets when no engine takes them, and whether any hook asks for them at all. */
#define PFILD_FAIL_DROP 0x1 /* else pass */
#define PFILD_DIVERT_IN 0x2 /* a hook is linked IN on a head that this interface's packets pass */
#define PFILD_DIVERT_OUT 0x4
#define PFILD_ONLY_TAPPED 0x8 /* nothing is decided here; packets pass */
#define PFILD_CHAIN_IN 0x10   /* hooks run in the kernel (pfild/chain.h): ask them first */
#define PFILD_CHAIN_OUT 0x20
#define PFILD_STOOD_DOWN 0x40     /* cannot be served for now: unattended, though the daemon lives */
#define PFILD_UNKNOWN_CLOSED 0x80 /* unattended, not even known packets pass; with PFILD_FAIL_DROP */
#define PFILD_SILENT_PASS 0x100   /* what a silent engine would be asked passes; else it is dropped */
#define PFILD_SILENT_CLOSED 0x200 /* while the engine is silent, not even known packets pass */
#define PFILD_CLOSES (PFILD_UNKNOWN_CLOSED | PFILD_SILENT_CLOSED)

/*
 * The heartbeat, in the array `engine_beat`: on a line of its own, which a head reads only before it would divert a
 * packet. The engine says between batches that it lives, and at least every 100 ms. An engine with sockets that has not
 * said so for PFILD_SILENT_NS is silent (core/heartbeat.h). Under floods the longest gap was 40 ms.
 */
#define PFILD_SILENT_NS 250000000ULL
struct pfild_beat {
    __u64 told_ns; /* CLOCK_MONOTONIC_COARSE; 0: never yet, which is silent */
    __u64 pad[7];
};
PFILD_ASSERT_SIZE(struct pfild_beat, 64);

/*
 * An attached interface, in an array by slot. Host byte order.
 *
 * ifindex, attachment: a head acts by the entry only if both are its own (pfild/identity.h).
 * asked: by direction, the classes of upkeep (pfild/upkeep.h) that a hook there tells from other packets.
 */
struct pfild_interface {
    __u32 slot;       /* 0 .. PFILD_MAX_INTERFACES - 1 */
    __u32 flags;      /* PFILD_FAIL_DROP | PFILD_DIVERT_* | PFILD_CHAIN_* */
    __u32 port_p;     /* ifindex of p1: OUT packets go up here */
    __u32 port_q;     /* ifindex of q1: IN packets go up here */
    __u8 mac[6];      /* of the interface: what is for this host and what is not */
    __u16 no_answer;  /* 0, PFILD_CHAIN_NONE: read when there is no chain, as the verifier must not know the answer */
    __u32 ifindex;    /* 0: nobody's */
    __u32 attachment; /* not 0 */
    __u64 asked[2];   /* bits PFILD_UPKEEP_BIT(class) */
};
PFILD_ASSERT_SIZE(struct pfild_interface, 48);

/*
 * What happened to a packet, per lane and CPU. The names are in PFILD_COUNTER_NAMES, in the same
 * order, and what they mean in docs/counters.md.
 */
enum pfild_counter {
    PFILD_COUNT_DIVERTED,           /* sent to the engine */
    PFILD_COUNT_RETURNED,           /* stamped by the port and sent on to the head */
    PFILD_COUNT_REENTERED,          /* came back from the engine, gone on into the stack or to the qdisc */
    PFILD_COUNT_PASSED_KNOWN,       /* passed: the flow table knew the answer */
    PFILD_COUNT_DROPPED_KNOWN,      /* dropped: the flow table knew the answer */
    PFILD_COUNT_PASSED_LOWERED,     /* passed: all hooks run in the kernel, and let it */
    PFILD_COUNT_DROPPED_LOWERED,    /* dropped: by a hook that runs in the kernel */
    PFILD_COUNT_HANDOVER_FORCED,    /* answers taken into use by time, not by count; not packets */
    PFILD_COUNT_PASSED_UNHOOKED,    /* passed: no hook in this direction */
    PFILD_COUNT_PASSED_NEIGHBOUR,   /* passed: upkeep of the link that no hook tells apart */
    PFILD_COUNT_PASSED_UNATTENDED,  /* passed: nobody to ask, unknown = pass */
    PFILD_COUNT_DROPPED_UNATTENDED, /* dropped: nobody to ask, unknown = drop or closed */
    PFILD_COUNT_PASSED_SILENT,      /* passed: the engine is silent, silent = pass */
    PFILD_COUNT_DROPPED_SILENT,     /* dropped: the engine is silent, silent = drop or closed */
    PFILD_COUNT_PASSED_LOOPED,      /* passed: this host's own multicast or broadcast, looped back to its listeners */
    PFILD_COUNT_DROPPED_STAMP,      /* dropped: only a part of the lane's secret; circles, or was forged */
    PFILD_COUNT_DROPPED_REPAIRING,  /* dropped: for the engine, while the daemon makes the port anew */
    PFILD_COUNT_UNSERVED_QUEUE,     /* left to the TC head: its receive queue had no socket (XDP) */
    PFILD_COUNT_DROPPED_LABEL,      /* dropped: the label could not be written */
    PFILD_COUNT_DROPPED_STRAY,      /* dropped on the port: no label, so not from a head */
    PFILD_COUNT_DROPPED_SOCKETLESS, /* dropped on the port: the engine's socket closed after the head had looked */
    PFILD_COUNTERS
};

#define PFILD_COUNTER_NAMES                                                                                            \
    {                                                                                                                  \
        "diverted", "returned", "reentered", "passed_known", "dropped_known", "passed_lowered", "dropped_lowered",     \
            "handover_forced", "passed_unhooked", "passed_neighbour", "passed_unattended", "dropped_unattended",       \
            "passed_silent", "dropped_silent", "passed_looped", "dropped_stamp", "dropped_repairing",                  \
            "unserved_queue", "dropped_label", "dropped_stray", "dropped_socketless"                                   \
    }

struct pfild_counters {
    __u64 count[PFILD_COUNTERS];
};
PFILD_ASSERT_SIZE(struct pfild_counters, 168);

/* An end of a port, looked up by its ifindex: p1 and q1 in the instance's namespace, p0 and q0 in the private one. */
struct pfild_port {
    __u32 lane;      /* of the packets that the program on this end handles */
    __u32 interface; /* ifindex of the attached interface, for the way back; 0 on p0 and q0 */
};
PFILD_ASSERT_SIZE(struct pfild_port, 8);

#endif
