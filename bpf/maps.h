/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The maps that the programs share. Each .bpf.c that includes this file defines them weakly; linking the objects makes
 * them one. The daemon writes all but `counters` and the flow table's.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "pfild/abi.h"
#include "pfild/chain.h"

/* Attached interfaces, by slot. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PFILD_MAX_INTERFACES);
    __type(key, __u32);
    __type(value, struct pfild_interface);
} interfaces SEC(".maps") __weak;

/* Ends of ports by ifindex; the stack's ends and the engine's ends live in different namespaces, so in different maps.
 */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, PFILD_MAX_LANES);
    __type(key, __u32);
    __type(value, struct pfild_port);
} stack_ports SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, PFILD_MAX_LANES);
    __type(key, __u32);
    __type(value, struct pfild_port);
} engine_ports SEC(".maps") __weak;

/* Secrets by lane. Programs read them. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_RDONLY_PROG);
    __uint(max_entries, PFILD_MAX_LANES);
    __type(key, __u32);
    __type(value, struct pfild_secret);
} secrets SEC(".maps") __weak;

/* When the engine last said that it lives. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct pfild_beat);
} engine_beat SEC(".maps") __weak;

/* The engine's AF_XDP sockets by lane, and PFILD_LIFE. An empty place means that the lane is unattended: the kernel
 * empties it when a socket closes. */
struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, PFILD_MAX_LANES + 1);
    __type(key, __u32);
    __type(value, __u32);
} sockets SEC(".maps") __weak;

/* The engine's sockets on an interface itself, one a receive queue, where XDP is the IN head; by PFILD_QUEUE_SOCKET. */
struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, PFILD_MAX_QUEUE_SOCKETS);
    __type(key, __u32);
    __type(value, __u32);
} queue_sockets SEC(".maps") __weak;

/* Chains by lane (pfild/chain.h), and two more places: where the daemon tries whether the kernel takes one, and for
 * unmark.bpf.c. */
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, PFILD_CHAIN_PLACES);
    __type(key, __u32);
    __type(value, __u32);
} tc_chains SEC(".maps") __weak;

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, PFILD_CHAIN_PLACES);
    __type(key, __u32);
    __type(value, __u32);
} xdp_chains SEC(".maps") __weak;

/* Counters by lane. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PFILD_MAX_LANES);
    __type(key, __u32);
    __type(value, struct pfild_counters);
} counters SEC(".maps") __weak;

/* Counts; `what` is a constant. Per CPU and programs do not nest on one: a plain add is exact. */
static __always_inline void count_packets(__u32 lane, enum pfild_counter what, __u64 packets) {
    struct pfild_counters* all = bpf_map_lookup_elem(&counters, &lane);

    if (all)
        all->count[what] += packets;
}

static __always_inline void count(__u32 lane, enum pfild_counter what) { count_packets(lane, what, 1); }
