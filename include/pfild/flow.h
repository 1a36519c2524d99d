/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flows as the heads and the engine share them: the key, how it is read from a frame, and the entry. C11 and C++20.
 *
 *     key  --ARRAY `flow_index`-->  place  --ARRAY `flow_entries`-->  struct pfild_flow     mapped by the engine
 *          (pfild/flow_index.h)
 *
 * A flow is one connection at one attached interface, both directions in one entry: what comes in is "from remote to
 * local", what goes out "from local to remote".
 *
 * Only a canonical packet has a key: Ethernet, at most two VLAN tags, IPv4 that is not a fragment or IPv6 without
 * extension header, ports complete where the protocol has ports, not neighbour discovery. Every other packet is unknown
 * to the table.
 *
 * Entry, 256 bytes; what the kernel writes and what the engine writes are on different cache lines:
 *
 *       0  key 52                 | incarnation 4 | decision 8      engine (decision: also the control thread)
 *      64  credit, published_ns of IN and OUT, the other times      engine
 *     128  IN:  packets, bytes, last_seen_ns, diverted, settled     heads
 *     192  OUT: the same                                            heads
 *
 * Hand-over. A packet must not be passed in the kernel while an earlier one of its flow and direction is on its way
 * through userspace. `diverted` counts what the head sent up, `settled` what it saw come back, `credit` corrects both
 * for what one side could not know: packets sent up before there was an entry (+1), packets that ended in the engine
 * (-1). A decision to drop is used at once, one to pass when diverted + credit == settled, or PFILD_HANDOVER_NS after
 * it was published.
 *
 * Changing the rules. Every decision carries the generation of the rules that made it; heads take none that is older
 * than pfild_flow_state.generation. A change decides all entries anew from their keys, then advances the generation.
 */
#ifndef PFILD_FLOW_H
#define PFILD_FLOW_H

#include "pfild/abi.h"

#define PFILD_MAX_TAGS 2

/* A VLAN tag, network byte order, as in the frame. */
struct pfild_flow_tag {
    __be16 type; /* 0x8100 or 0x88a8 */
    __be16 tci;
};

/* 52 bytes. Unused bytes are 0: keys are compared as memory. */
struct pfild_flow_key {
    __u32 ifindex; /* of the attached interface, host byte order */
    __u8 family;   /* 4 or 6 */
    __u8 protocol; /* IPv4 protocol, IPv6 next header */
    __u8 tags;     /* how many of `tag` there are */
    __u8 pad;
    struct pfild_flow_tag tag[PFILD_MAX_TAGS]; /* innermost first */
    __be32 remote[4];                          /* IPv4: the first word */
    __be32 local[4];
    __be16 remote_port; /* 0 where the protocol has none */
    __be16 local_port;
};
PFILD_ASSERT_SIZE(struct pfild_flow_key, 52);

/* Answers of a decision, one byte a direction. */
enum pfild_flow_answer {
    PFILD_FLOW_ASK, /* the engine */
    PFILD_FLOW_PASS,
    PFILD_FLOW_DROP,
};

/* One 64-bit word, so that it is read and written at once. direction: 0 IN, 1 OUT. */
#define PFILD_FLOW_GENERATION(decision) ((__u32)(decision))
#define PFILD_FLOW_ANSWER(decision, direction) ((__u8)((decision) >> (32 + 8 * (direction))))
#define PFILD_FLOW_DECISION(generation, in, out) ((__u64)(generation) | (__u64)(in) << 32 | (__u64)(out) << 40)

#define PFILD_HANDOVER_NS                                                                                              \
    400000000ULL /* after this long the way up is taken to be empty; the longest seen with nothing lost was 130 ms */

/* What the heads write of one direction. Times are of CLOCK_MONOTONIC_COARSE. */
struct pfild_flow_lane {
    __u64 packets; /* answered in the kernel */
    __u64 bytes;   /* of those, from the Ethernet header on */
    __u64 last_seen_ns;
    __u64 diverted;
    __u64 settled;
    __u64 pad[3];
};
PFILD_ASSERT_SIZE(struct pfild_flow_lane, 64);

struct pfild_flow {
    struct pfild_flow_key key;
    __u32 incarnation; /* of the entry, 1 .. PFILD_LABEL_INCARNATION_MAX: a label names it */
    __u64 decision;
    __u64 credit[2];
    __u64 published_ns[2];
    __u64 idle_ns;   /* after so long without a packet the entry is unknown */
    __u64 engine_ns; /* when the engine last had a packet of it */
    __u64 created_ns;
    __u64 pad;
    struct pfild_flow_lane lane[2];
};
PFILD_ASSERT_SIZE(struct pfild_flow, 256);

#define PFILD_FLOW_KEY_WORDS 13 /* of 32 bits */

/*
 * The one entry of `flow_state`. The daemon writes it; heads read.
 *
 * Clock: nanoseconds of CLOCK_MONOTONIC_COARSE are jiffies * tick_ns + clock_ns. To read jiffies costs a head one load,
 * to ask for the time two function calls. clock_ns is set anew about every second; without a daemon it may drift by
 * 500 parts in a million (adjtimex(2)), for all times of the table alike.
 */
#define PFILD_FLOW_LAYOUT 2U /* of all that is here and in flow_index.h; pinned maps of another are not taken over */
struct pfild_flow_state {
    __u32 generation;  /* of the rules in force */
    __u32 layout;      /* PFILD_FLOW_LAYOUT, once all below is set */
    __u64 tick_ns;     /* of a jiffy */
    __u64 clock_ns;    /* may be "negative": it wraps */
    __u32 index_shift; /* 64 - log2(buckets) */
    __u32 hash_words[PFILD_FLOW_KEY_WORDS + 1];
    __u32 beat_s; /* when the daemon last said that it lives: CLOCK_MONOTONIC, about every second; 0: never yet */
    __u64 hash_spread[2]; /* odd */
};
PFILD_ASSERT_SIZE(struct pfild_flow_state, 104);

#endif
