/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The flow table as heads use it (layout and rules: pfild/flow.h). A head finds the entry of a packet, takes the answer
 * if there is one that may be used, and counts; entries are made and removed by the engine alone.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "pfild/flow_key.h"

/* Sizes are set at load. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __type(key, struct pfild_flow_key);
    __type(value, __u32); /* a slot number */
} flow_index SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pfild_flow);
} flow_slots SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pfild_flow_state);
} flow_state SEC(".maps") __weak;

/* The entry of that key, or nothing. An index may be a moment older than its slot: the slot's own key decides. */
static __always_inline struct pfild_flow* find_flow(const struct pfild_flow_key* key) {
    const __u32* slot = bpf_map_lookup_elem(&flow_index, key);
    struct pfild_flow* flow = slot ? bpf_map_lookup_elem(&flow_slots, slot) : 0;
    const __u32 *left = (const void*)key, *right = (const void*)flow;
    __u32 different = 0;

    if (!flow)
        return 0;
    for (__u32 i = 0; i < sizeof(*key) / sizeof(__u32); i++)
        different |= left[i] ^ right[i];
    return different ? 0 : flow;
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
static __always_inline int answer_of(struct pfild_flow* flow, __u32 lane, __u32 direction, __u32 packets, __u32 bytes) {
    const __u32 zero = 0;
    const struct pfild_flow_state* state = bpf_map_lookup_elem(&flow_state, &zero);
    __u64 decision = *(volatile const __u64*)&flow->decision;
    __u8 answer = PFILD_FLOW_ANSWER(decision, direction);
    __u64 now;
    int over;

    if (!state || answer == PFILD_FLOW_ASK || (__s32)(PFILD_FLOW_GENERATION(decision) - state->generation) < 0)
        return PFILD_FLOW_ASK;
    now = bpf_ktime_get_coarse_ns();
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
