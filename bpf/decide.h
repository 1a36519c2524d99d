/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What every head decides, in the order a packet meets it:
 *
 *     only tapped here?      -> pass on
 *     no answer, and closed? -> drop                               (`unknown`, `silent`)
 *     flow known?            -> pass on or drop                    whoever is alive
 *     hooks in the kernel?   -> pass on or drop, if they can tell  whoever is alive
 *     queue without socket?  -> leave it to the TC head            (XDP)
 *     unattended?            -> pass or drop, as attached          (`unknown`); upkeep passes
 *     no hook here?          -> pass on                            (PF-26)
 *     upkeep of the link?    -> pass on, unless a hook tells it from other packets (upkeep.h)
 *     port pair repaired?    -> drop: a daemon that lives opens nothing
 *     engine silent?         -> pass or drop, as attached          (`silent`)
 *     else                   -> divert: label it, redirect it to the engine
 */
#pragma once

#include "context.h"
#include "flows.h"
#include "pfild/chain.h"
#include "tap.h"
#include "upkeep.h"

/* Which of the two heads of an interface a program is; constant in each, so that the compiler leaves out the other. */
struct head {
    __u32 divert;   /* PFILD_DIVERT_IN or _OUT */
    __u32 chain;    /* PFILD_CHAIN_IN or _OUT */
    __u32 outgoing; /* 0: IN, 1: OUT */
};

/* COURSE_LEFT: the TC head behind the XDP head decides. */
enum course { COURSE_PASS, COURSE_DROP, COURSE_DIVERT, COURSE_LEFT };

static __always_inline __u32 lane_of(const struct pfild_interface* self, const struct head head) {
    return 2 * self->slot + head.outgoing;
}

/* Counts a packet as the packets that it stands for. */
static __always_inline void count_all(__u32 lane, enum pfild_counter what, packet_context* packet) {
    count_packets(lane, what, packets_in(packet));
}

/* The flow table's entry for a packet, nothing when it is not canonical or has none; and then how long the packet is.
 */
struct known {
    struct pfild_flow* flow;
    __u64 bytes;
};

static __always_inline struct known look_up(packet_context* packet, const struct head head) {
    struct pfild_flow_key key = {.ifindex = interface_of(packet)};
    struct known known = {};
    __u32 by_headers;
    const void* data = (const void*)(long)packet->data;
    const void* end = (const void*)(long)packet->data_end;

    if (tag_of(packet, &key.tag[0].type, &key.tag[0].tci))
        key.tags = 1;
    by_headers = pfild_read_flow_key(&key, data, end, (int)head.outgoing);
    if (by_headers)
        known.flow = find_flow(&key);
    if (known.flow)
        known.bytes = bytes_in(packet, by_headers);
    return known;
}

/* The value of the label that a packet gets. flow: its entry, or nothing. */
static __always_inline __u16 label_for(const struct pfild_flow* flow, int forwarded) {
    __u16 label = PFILD_LABEL_MARK;

    if (forwarded)
        label |= PFILD_LABEL_FWD;
    if (flow)
        label |= (flow->incarnation & PFILD_LABEL_INCARNATION_MAX) << 1;
    return label;
}

/* It is on its way to the engine: no later packet of its flow may overtake it (settle()). */
static __always_inline void count_diverted(packet_context* packet, __u32 lane, const struct head head,
                                           struct pfild_flow* flow) {
    count_all(lane, PFILD_COUNT_DIVERTED, packet);
    if (flow)
        __sync_fetch_and_add(&flow->lane[head.outgoing].diverted, packets_in(packet));
}

/*
 * enum pfild_chain_answer. A function that the caller is not part of: from there a tail call returns to the caller. To
 * the verifier it never does, so what is returned without it must be a number that the verifier does not know.
 */
static __noinline int ask_chain(packet_context* packet, const struct pfild_interface* self, __u32 lane) {
    bpf_tail_call(packet, &CHAINS, lane);
    return *(volatile const __u16*)&self->no_answer;
}

/* What the hooks that run in the kernel say. What keeps the link up they leave to decide(). */
static __always_inline int chain_answer(packet_context* packet, const struct pfild_interface* self,
                                        const struct head head, __u32 lane) {
    int answer;

    if (!(self->flags & head.chain))
        return PFILD_CHAIN_NONE;
    answer = ask_chain(packet, self, lane);
    if (answer == PFILD_CHAIN_PASS)
        count_all(lane, PFILD_COUNT_PASSED_LOWERED, packet);
    if (answer == PFILD_CHAIN_DROP)
        count_all(lane, PFILD_COUNT_DROPPED_LOWERED, packet);
    return answer;
}

/* Whether the daemon has the interface in its care: it lives, and has not given it up for now. */
static __always_inline int is_cared_for(const struct pfild_interface* self) {
    const __u32 life = PFILD_LIFE;

    return !(self->flags & PFILD_STOOD_DOWN) && bpf_map_lookup_elem(&sockets, &life);
}

/* Whether an engine that is there has said nothing for too long. A line of its own, not read for known packets. */
static __always_inline int is_silent(void) {
    const __u32 zero = 0;
    const struct pfild_beat* beat = bpf_map_lookup_elem(&engine_beat, &zero);

    return !beat || is_past(*(volatile const __u64*)&beat->told_ns, PFILD_SILENT_NS, bpf_ktime_get_coarse_ns());
}

static __always_inline int is_unattended(const packet_context* packet, const struct pfild_interface* self, __u32 lane) {
    return taker_of(packet, self, lane) == TAKER_NOBODY && !is_cared_for(self);
}

/* enum course, of a packet about which nobody can be asked: as its fail mode says. silent: the engine is there. */
static __noinline int unanswered(packet_context* packet, const struct pfild_interface* self, __u32 lane, int silent) {
    __u32 stays = silent ? !(self->flags & PFILD_SILENT_PASS) : self->flags & PFILD_FAIL_DROP;
    int drop = stays && !upkeep_of(packet);

    if (silent)
        count_all(lane, drop ? PFILD_COUNT_DROPPED_SILENT : PFILD_COUNT_PASSED_SILENT, packet);
    else
        count_all(lane, drop ? PFILD_COUNT_DROPPED_UNATTENDED : PFILD_COUNT_PASSED_UNATTENDED, packet);
    return drop ? COURSE_DROP : COURSE_PASS;
}

/* Fail mode `closed`, known packets included. Rare, so a function of its own. 0: open; 1: unattended; 2: silent. */
static __noinline int is_closed(const packet_context* packet, const struct pfild_interface* self, __u32 lane) {
    if (is_unattended(packet, self, lane))
        return !!(self->flags & PFILD_UNKNOWN_CLOSED);
    return (self->flags & PFILD_SILENT_CLOSED) && is_silent() ? 2 : 0;
}

static __always_inline enum course decide(packet_context* packet, const struct pfild_interface* self,
                                          const struct head head, const struct known known) {
    __u32 lane = lane_of(self, head);
    int answer = PFILD_FLOW_ASK;
    enum taker taker;

    if (self->flags & PFILD_ONLY_TAPPED)
        return COURSE_PASS;
    if (self->flags & PFILD_CLOSES) {
        answer = is_closed(packet, self, lane);
        if (answer)
            return (enum course)unanswered(packet, self, lane, answer == 2);
        answer = PFILD_FLOW_ASK;
    }
    if (known.flow)
        answer = answer_of(known.flow, lane, head.outgoing, packets_in(packet), known.bytes);
    if (answer == PFILD_FLOW_PASS) {
        count_all(lane, PFILD_COUNT_PASSED_KNOWN, packet);
        return COURSE_PASS;
    }
    if (answer == PFILD_FLOW_DROP) {
        count_all(lane, PFILD_COUNT_DROPPED_KNOWN, packet);
        return COURSE_DROP;
    }
    answer = chain_answer(packet, self, head, lane);
    if (answer == PFILD_CHAIN_PASS)
        return COURSE_PASS;
    if (answer == PFILD_CHAIN_DROP)
        return COURSE_DROP;
    taker = taker_of(packet, self, lane);
    if (taker == TAKER_TC_HEAD) {
        count_all(lane, PFILD_COUNT_UNSERVED_QUEUE, packet);
        return COURSE_LEFT;
    }
    if (taker == TAKER_NOBODY && !is_cared_for(self))
        return (enum course)unanswered(packet, self, lane, 0);
    if (!(self->flags & head.divert)) {
        count_all(lane, PFILD_COUNT_PASSED_UNHOOKED, packet);
        return COURSE_PASS;
    }
    if (is_unasked_upkeep(packet, self, head.outgoing)) {
        count_all(lane, PFILD_COUNT_PASSED_NEIGHBOUR, packet);
        return COURSE_PASS;
    }
    if (taker == TAKER_NOBODY) {
        count_all(lane, PFILD_COUNT_DROPPED_REPAIRING, packet);
        return COURSE_DROP;
    }
    if (is_silent())
        return (enum course)unanswered(packet, self, lane, 1);
    return COURSE_DIVERT;
}
