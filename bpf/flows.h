/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The flow table as heads use it (layout and rules: pfild/flow.h). A head finds the entry of a packet, takes the answer
 * if there is one that may be used, and counts; entries are made and removed by the engine alone.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "pfild/flow_index.h"
#include "pfild/flow_key.h"

/* Sizes are set at load. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pfild_flow_bucket);
} flow_index SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pfild_flow);
} flow_entries SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pfild_flow_state);
} flow_state SEC(".maps") __weak;

static __always_inline const struct pfild_flow_state* state_of_flows(void) {
    const __u32 zero = 0;

    return bpf_map_lookup_elem(&flow_state, &zero);
}

/* The hint with that tag in a bucket; 0 if there is none. Of two, which are as good as impossible, one. */
static __always_inline __u64 hint_in(__u32 number, __u32 tag) {
    const struct pfild_flow_bucket* bucket = bpf_map_lookup_elem(&flow_index, &number);
    __u64 found = 0;

    if (!bucket)
        return 0;
    for (int i = 0; i < PFILD_BUCKET_HINTS; i++) {
        __u64 hint = *(volatile const __u64*)&bucket->hint[i];

        if (hint && PFILD_HINT_TAG(hint) == tag)
            found = hint;
    }
    return found;
}

/* The entry of that key, or nothing. An index may be a moment older than its entry: the entry's own key decides. */
static __always_inline struct pfild_flow* find_flow(const struct pfild_flow_key* key) {
    const struct pfild_flow_state* state = state_of_flows();
    const __u32 *left = (const void*)key, *right;
    struct pfild_flow_hash hash;
    struct pfild_flow* flow;
    __u32 different = 0, place;
    __u64 hint;

    if (!state)
        return 0;
    hash = pfild_flow_hash_of(key, state);
    hint = hint_in(hash.bucket[0], hash.tag);
    if (!hint)
        hint = hint_in(hash.bucket[1], hash.tag);
    place = PFILD_HINT_PLACE(hint);
    flow = bpf_map_lookup_elem(&flow_entries, &place); /* past the end when there is no hint */
    if (!flow)
        return 0;
    right = (const void*)flow;
    for (__u32 i = 0; i < PFILD_FLOW_KEY_WORDS; i++)
        different |= left[i] ^ right[i];
    return different ? 0 : flow;
}

/* Nanoseconds of CLOCK_MONOTONIC_COARSE (pfild_flow_state). */
static __always_inline __u64 time_of_flows(const struct pfild_flow_state* state) {
    return bpf_jiffies64() * state->tick_ns + state->clock_ns;
}

/* Whether `then` is longer ago than that. Another processor may have stamped it a moment after `now` was read. */
static __always_inline int is_past(__u64 then, __u64 longer_ns, __u64 now) {
    return (__s64)(now - then) > (__s64)longer_ns;
}

static __always_inline int is_idle(const struct pfild_flow* flow, __u32 direction, __u64 now) {
    __u64 limit = flow->idle_ns;

    return is_past(flow->lane[direction].last_seen_ns, limit, now) &&
           is_past(flow->lane[!direction].last_seen_ns, limit, now) && is_past(flow->engine_ns, limit, now);
}

/*
 * May a packet be answered here while others of its flow are in userspace? 1: none is. 2: not known, but the time is
 * up; what was lost on the way is written off.
 */
static __always_inline int handed_over(struct pfild_flow* flow, __u32 direction, __u64 now) {
    struct pfild_flow_lane* lane = &flow->lane[direction];
    __u64 on_the_way = lane->diverted + flow->credit[direction] - lane->settled;

    if (!on_the_way)
        return 1;
    if (!is_past(flow->published_ns[direction], PFILD_HANDOVER_NS, now))
        return 0;
    __sync_fetch_and_add(&lane->settled, on_the_way);
    return 2;
}

/* What the table says about a packet of this flow, enum pfild_flow_answer. PASS and DROP are counted. */
static __always_inline int answer_of(struct pfild_flow* flow, __u32 lane, __u32 direction, __u32 packets, __u64 bytes) {
    const struct pfild_flow_state* state = state_of_flows();
    __u64 decision = *(volatile const __u64*)&flow->decision;
    __u8 answer = PFILD_FLOW_ANSWER(decision, direction);
    __u64 now;
    int over;

    if (!state || answer == PFILD_FLOW_ASK || (__s32)(PFILD_FLOW_GENERATION(decision) - state->generation) < 0)
        return PFILD_FLOW_ASK;
    now = time_of_flows(state);
    if (is_idle(flow, direction, now))
        return PFILD_FLOW_ASK;
    if (answer == PFILD_FLOW_PASS) { /* what is dropped overtakes nobody */
        over = handed_over(flow, direction, now);
        if (!over)
            return PFILD_FLOW_ASK;
        if (over == 2)
            count(lane, PFILD_COUNT_HANDOVER_FORCED);
    }
    flow->lane[direction].packets += packets;
    flow->lane[direction].bytes += bytes;
    flow->lane[direction].last_seen_ns = now;
    return answer;
}
