// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The stage for a TC program under test. The kernel runs a program `repeat` times over one and the same socket buffer:
 *
 *     round 0   give the buffer the properties `before`, then become the program under test (a tail call does not
 *               return, so its verdict is the kernel's answer when repeat is 1)
 *     round 1   write down what that program left, in `after` (when repeat is 2)
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "props.h"

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} actor SEC(".maps");

__u32 stage_round;
struct StageProps before;
struct StageProps after;

static __always_inline void prepare(struct __sk_buff* skb) {
    skb->tc_index = before.tc_index;
    bpf_skb_change_type(skb, before.packet_type);
    if (before.tagged)
        bpf_skb_vlan_push(skb, bpf_htons(before.tag_type), before.tag_value);
}

static __always_inline void look(const struct __sk_buff* skb) {
    after.tc_index = skb->tc_index;
    after.mark = skb->mark;
    after.cb[0] = skb->cb[0];
    after.cb[1] = skb->cb[1];
    after.cb[2] = skb->cb[2];
    after.cb[3] = skb->cb[3];
    after.packet_type = skb->pkt_type;
    after.tagged = skb->vlan_present;
    after.tag_type = skb->vlan_present ? bpf_ntohs(skb->vlan_proto) : 0;
    after.tag_value = skb->vlan_present ? skb->vlan_tci : 0;
}

SEC("tc")
int stage(struct __sk_buff* skb) {
    if (stage_round++ == 0) {
        prepare(skb);
        bpf_tail_call(skb, &actor, 0);
        return PFILD_STAGE_EMPTY;
    }
    look(skb);
    return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
