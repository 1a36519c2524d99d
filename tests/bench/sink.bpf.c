// SPDX-License-Identifier: BSD-2-Clause
/*
 * What pfild is compared with: the shortest programs that drop or pass a packet under XDP and under TC, and the one
 * that hands all packets of a queue to an AF_XDP socket. None of them counts: the interface and the socket do.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} bench_socket SEC(".maps");

SEC("xdp")
int bench_xdp_drop(struct xdp_md* ctx) {
    (void)ctx;
    return XDP_DROP;
}

SEC("xdp")
int bench_xdp_pass(struct xdp_md* ctx) {
    (void)ctx;
    return XDP_PASS;
}

SEC("tc")
int bench_tc_pass(struct __sk_buff* skb) {
    (void)skb;
    return TC_ACT_UNSPEC;
}

SEC("tc")
int bench_tc_drop(struct __sk_buff* skb) {
    (void)skb;
    return TC_ACT_SHOT;
}

SEC("xdp")
int bench_to_socket(struct xdp_md* ctx) { return bpf_redirect_map(&bench_socket, ctx->rx_queue_index, XDP_DROP); }

char _license[] SEC("license") = "Dual BSD/GPL";
