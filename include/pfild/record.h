/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a read from a device returns: records, one a captured packet, in order of arrival. C11 and C++20.
 *
 *      0         8          16       20        24       26          28        32           32 + caplen
 *      | seconds | fraction | caplen | datalen | hdrlen | direction | ifindex | packet ... | zeros to a multiple of 8 |
 *
 * Host byte order throughout: records do not leave the machine. The next record begins at PFILD_RECORD_LENGTH of this
 * one; packet bytes are found by hdrlen, not by the size of the struct. This is struct bpf_hdr of the BSDs with 64-bit
 * words (contract 2.6); what it has as padding carries direction and interface when the device was asked for them.
 */
#ifndef PFILD_RECORD_H
#define PFILD_RECORD_H

#include <assert.h>
#include <stddef.h>

#include <linux/types.h>

enum pfild_record_direction {
    PFILD_RECORD_NO_DIRECTION, /* not asked for */
    PFILD_RECORD_IN,
    PFILD_RECORD_OUT,
};

struct pfild_record {
    __s64 seconds;  /* since 1970-01-01 UTC */
    __s64 fraction; /* of the second, rounded down: microseconds, or nanoseconds when the device was set to them */
    __u32 caplen;   /* bytes of the packet that follow the header */
    __u32 datalen;  /* bytes it had on the wire */
    __u16 hdrlen;   /* bytes from the start of the record to the packet */
    __u8 direction; /* enum pfild_record_direction */
    __u8 pad;       /* 0 */
    __u32 ifindex;  /* of the interface; 0: not asked for */
};

static_assert(sizeof(struct pfild_record) == 32, "struct pfild_record");
static_assert(offsetof(struct pfild_record, caplen) == 16, "caplen");
static_assert(offsetof(struct pfild_record, datalen) == 20, "datalen");
static_assert(offsetof(struct pfild_record, hdrlen) == 24, "hdrlen");

/* Records begin at multiples of this; buffer sizes are multiples of it. */
#define PFILD_RECORD_ALIGNMENT 8U
#define PFILD_RECORD_ALIGN(bytes) (((bytes) + (PFILD_RECORD_ALIGNMENT - 1)) & ~(PFILD_RECORD_ALIGNMENT - 1))

/* Bytes of a record, padding included, whose packet has so many bytes. => caplen is below 2^32 - 64. */
#define PFILD_RECORD_LENGTH(caplen) ((__u32)sizeof(struct pfild_record) + PFILD_RECORD_ALIGN((__u32)(caplen)))

#endif
