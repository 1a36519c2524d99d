/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * A packet's copy for the devices (pfild/tap.h). While nobody listens to a lane this is a load and a comparison; while
 * all who do have filters, these are asked first, and what none of them wants is not copied.
 */
#pragma once

#include "context.h"
#include "pfild/tap.h"

#ifndef barrier_var
#define barrier_var(variable) asm volatile("" : "+r"(variable))
#endif

/* Its size is set at load. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} tap_ring SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pfild_tap_state);
} tap_state SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, PFILD_MAX_LANES);
    __type(key, __u32);
    __type(value, __u32);
} tc_filters SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, PFILD_MAX_LANES);
    __type(key, __u32);
    __type(value, __u32);
} xdp_filters SEC(".maps") __weak;

#ifdef PFILD_HEAD_XDP
#define FILTERS xdp_filters
#else
#define FILTERS tc_filters
#endif

/* Packets of a lane that no device wants. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PFILD_MAX_LANES);
    __type(key, __u32);
    __type(value, __u64);
} tap_skipped SEC(".maps") __weak;

/*
 * enum pfild_tap_answer. A function that the caller is not part of: from there a tail call returns to the caller. To
 * the verifier it never does, so what is returned without it must be a number that the verifier does not know.
 */
static __noinline int ask_filters(packet_context* packet, const struct pfild_tap_state* state, __u32 lane) {
    bpf_tail_call(packet, &FILTERS, lane);
    return *(volatile const __u32*)&state->no_answer;
}

static __always_inline int is_unwanted(packet_context* packet, const struct pfild_tap_state* state, __u32 lane) {
    __u64* skipped;

    if (!*(volatile const __u32*)&state->filtered[lane] || ask_filters(packet, state, lane) != PFILD_TAP_SKIP)
        return 0;
    skipped = bpf_map_lookup_elem(&tap_skipped, &lane);
    if (skipped)
        ++*skipped;
    return 1;
}

/*
 * Asked when the record has its place in the ring, behind a full barrier: the device thread says that it sleeps, and
 * then looks whether there is a record (Tap::fall_asleep). One of the two sees the other.
 */
static __always_inline __u64 wake(struct pfild_tap_state* state) {
    return __sync_fetch_and_add(&state->sleeping, 0) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/*
 * Takes a packet into a record of one size. Not 0: there was no room, or it could not be read. The bytes behind the
 * first are what is compared: Linux 6.1's verifier learns from it that they are not too many, but not, from a
 * comparison with 0, that there is one.
 */
#define TAKE_INTO(size)                                                                                                \
    static __always_inline int take_into_##size(packet_context* packet, const struct pfild_tap_packet* about,          \
                                                __u32 bytes, struct pfild_tap_state* state) {                          \
        struct pfild_tap_packet* record = bpf_ringbuf_reserve(&tap_ring, sizeof(*record) + (size), 0);                 \
        __u32 more;                                                                                                    \
                                                                                                                       \
        if (!record)                                                                                                   \
            return 1;                                                                                                  \
        *record = *about;                                                                                              \
        more = bytes - 1;                                                                                              \
        barrier_var(more);                                                                                             \
        if (more > (size)-1)                                                                                           \
            more = (size)-1;                                                                                           \
        if (load_bytes(packet, 0, record + 1, more + 1)) {                                                             \
            bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);                                                             \
            return 1;                                                                                                  \
        }                                                                                                              \
        bpf_ringbuf_submit(record, wake(state));                                                                       \
        return 0;                                                                                                      \
    }

TAKE_INTO(PFILD_TAP_TINY)
TAKE_INTO(PFILD_TAP_SMALL)
TAKE_INTO(PFILD_TAP_FRAME)
TAKE_INTO(PFILD_TAP_JUMBO)
TAKE_INTO(PFILD_TAP_LARGE)

static __noinline int take(packet_context* packet, struct pfild_tap_packet* about, struct pfild_tap_state* state) {
    __u32 bytes = about->taken;

    if (!bytes)
        return 1;
    if (bytes <= PFILD_TAP_TINY)
        return take_into_PFILD_TAP_TINY(packet, about, bytes, state);
    if (bytes <= PFILD_TAP_SMALL)
        return take_into_PFILD_TAP_SMALL(packet, about, bytes, state);
    if (bytes <= PFILD_TAP_FRAME)
        return take_into_PFILD_TAP_FRAME(packet, about, bytes, state);
    if (bytes <= PFILD_TAP_JUMBO)
        return take_into_PFILD_TAP_JUMBO(packet, about, bytes, state);
    return take_into_PFILD_TAP_LARGE(packet, about, bytes, state);
}

/* lane: below PFILD_MAX_LANES. A function of its own, so that what it fills in is not on the heads' stack. */
static __noinline int copy(packet_context* packet, struct pfild_tap_state* state, __u32 lane, __u32 wanted,
                           __u32 outgoing) {
    struct pfild_tap_packet about = {};

    about.time_ns = bpf_ktime_get_ns();
    about.ifindex = interface_of(packet);
    about.length = length_of(packet);
    about.taken = wanted < about.length ? wanted : about.length;
    if (about.taken > PFILD_TAP_LARGE)
        about.taken = PFILD_TAP_LARGE;
    about.flags = outgoing ? PFILD_TAP_OUTGOING : 0;
    about.lane = lane;
    tag_of(packet, &about.tag_type, &about.tag_tci);
    return take(packet, &about, state);
}

/* lane: as above. */
static __always_inline void tap(packet_context* packet, __u32 lane, __u32 outgoing) {
    const __u32 zero = 0;
    struct pfild_tap_state* state = bpf_map_lookup_elem(&tap_state, &zero);
    __u32 wanted;

    if (!state || lane >= PFILD_MAX_LANES)
        return;
    wanted = *(volatile __u32*)&state->wanted[lane];
    if (!wanted || is_unwanted(packet, state, lane))
        return;
    if (copy(packet, state, lane, wanted, outgoing))
        __sync_fetch_and_add(&state->lost[lane], 1);
}
