/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a socket buffer a test can see and set only from within: BPF_PROG_TEST_RUN takes no skb->tc_index and returns
 * neither that nor the packet type nor a tag beside the packet. Shared by stage.bpf.c, which runs in the kernel, and
 * stage.cpp.
 */
#pragma once

#include <linux/types.h>

/* A socket buffer's fields beside its bytes. Host byte order. */
struct StageProps {
    __u32 tc_index;
    __u32 packet_type; /* PACKET_* */
    __u32 tagged;      /* 1: a tag is beside the packet */
    __u32 tag_type;    /* its type and value; 0 without one */
    __u32 tag_value;
    __u32 cb[4];
    __u32 mark; /* `before` does not set it */
};

/* What the stage returns when the program under test was not there, so that no test takes that for a verdict. */
#define PFILD_STAGE_EMPTY 0x5a
