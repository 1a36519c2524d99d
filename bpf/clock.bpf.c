// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * Sets the flow table's clock and the daemon's beat (pfild_flow_state). The daemon runs it about every second by
 * BPF_PROG_TEST_RUN; a TC program, as those may ask for the coarse time.
 */
#include "flows.h"

#define TRIES 4

SEC("tc")
int set_clock(struct __sk_buff* unused) {
    const __u32 zero = 0;
    struct pfild_flow_state* state = bpf_map_lookup_elem(&flow_state, &zero);
    __u64 jiffies, now;

    (void)unused;
    if (!state)
        return 1;
    for (int i = 0; i < TRIES; i++) {
        jiffies = bpf_jiffies64();
        now = bpf_ktime_get_coarse_ns();
        if (jiffies == bpf_jiffies64())
            break;
    }
    state->beat_s = (__u32)(now / 1000000000);
    state->clock_ns = now - jiffies * state->tick_ns;
    return 0;
}
