// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * Passes on what the XDP head has let pass, without the XDP head's mark: a neighbour to whom the packet goes would read
 * it. in_tc.bpf.c, which has found the mark, comes here by tail call. A program that writes into packets begins with
 * unsharing those that a capture has, too, and that may forget metadata: this one does so after the mark has been read.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

SEC("tc")
int unmark(struct __sk_buff* skb) {
    __u32* mark = (void*)(long)skb->data_meta;

    if ((const void*)(mark + 2) <= (const void*)(long)skb->data) {
        mark[0] = 0;
        mark[1] = 0;
    }
    return TC_ACT_UNSPEC;
}
