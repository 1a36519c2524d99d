/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains: hooks that run in the kernel. A chain is a program that the daemon writes for one lane, out of the classic
 * BPF programs of the first hooks there (core/chain/chain_program.h). A head runs it by tail call; its answer is the
 * head's. C11 and C++20, host byte order.
 *
 *     head --tail call--> PROG_ARRAY `tc_chains` or `xdp_chains`, by lane --> chain: enum pfild_chain_answer
 *                                                                          '-> counts, struct pfild_chain_hook
 *
 * A packet is counted by the chain if the chain answers, and else by the engine: by one of them, and once.
 */
#ifndef PFILD_CHAIN_H
#define PFILD_CHAIN_H

#include "pfild/abi.h"

enum pfild_chain_answer {
    PFILD_CHAIN_NONE, /* there is no chain, or it leaves the packet to the engine, which asks all hooks */
    PFILD_CHAIN_PASS,
    PFILD_CHAIN_DROP,
};

#define PFILD_CHAIN_HOOKS 32                     /* of one chain, at most */
#define PFILD_CHAIN_TRIED PFILD_MAX_LANES        /* where no head looks */
#define PFILD_CHAIN_UNMARK (PFILD_MAX_LANES + 1) /* no chain: bpf/unmark.bpf.c, of TC only */
#define PFILD_CHAIN_PLACES (PFILD_MAX_LANES + 2)

/* What a chain counts of one hook, in its map of one entry by processor. Segments of an uncut packet count as the
 * packets that they become. */
struct pfild_chain_hook {
    __u64 seen_packets;
    __u64 seen_bytes; /* as the hook sees them */
    __u64 matched_packets;
    __u64 matched_bytes;
    __u64 dropped_packets;
    __u64 dropped_bytes;
    /* While a packet runs: whether this hook was asked about it, and whether it matched. 0 or 1. */
    __u64 asked;
    __u64 matched;
};
PFILD_ASSERT_SIZE(struct pfild_chain_hook, 64);

#endif
