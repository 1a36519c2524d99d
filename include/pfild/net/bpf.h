/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bpf(4) for Linux programs that were written for a BSD: what <net/bpf.h> is there. C and C++, 64-bit programs.
 *
 * The device is the file /dev/bpf of pfild-devbpf (devbpf/README.md). Names, numbers and layouts are NetBSD's; the
 * direction bits of an ioctl's number are where Linux has them, so a program is compiled against this file and not
 * against a BSD's. To find it as <net/bpf.h>: -I PREFIX/include/pfild.
 *
 * Programs use what is defined. So there is no macro here for what the device does not do: no zero copy, no
 * BIOCSTSTAMP, no BIOCSRSIG. Other numbers are ENOTTY. BIOCSETFNR is not NetBSD's but FreeBSD's. Of OpenBSD are the
 * wait time-out and BIOCSDIRFILT. NetBSD has its feedback and its lock where OpenBSD has BIOCGDIRFILT, BIOCSDIRFILT
 * and BIOCDWTIMEOUT, so these three are greater by 100 here.
 *
 *     open(O_RDWR) -> BIOCSBLEN, BIOCSETF .. -> BIOCSETIF -> read(fd, buffer, exactly BIOCGBLEN) -> close
 *
 *     a read:   | bpf_hdr | 0.. | packet | 0.. | bpf_hdr | ..   each record begins at BPF_WORDALIGN, bh_hdrlen says
 *                                                               where its packet does
 */
#ifndef _NET_BPF_H_
#define _NET_BPF_H_

#include <net/if.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/types.h>

#if __SIZEOF_LONG__ != 8
#error "pfild's bpf device is for 64-bit programs"
#endif

typedef int bpf_int32;
typedef unsigned int bpf_u_int32;

#define BPF_MAJOR_VERSION 1
#define BPF_MINOR_VERSION 1
#define BPF_RELEASE 199606

#define BPF_ALIGNMENT sizeof(long)
#define BPF_WORDALIGN(x) (((x) + (BPF_ALIGNMENT - 1)) & ~(BPF_ALIGNMENT - 1))

#define BPF_MAXINSNS 512
#define BPF_MINBUFSIZE 32
#define BPF_DFLTBUFSIZE 32768
#define BPF_MAXBUFSIZE 1044480 /* 255 pages: what one read can have */
#define BPF_MEMWORDS 16

struct bpf_insn {
    uint16_t code;
    unsigned char jt;
    unsigned char jf;
    bpf_u_int32 k;
};

struct bpf_program {
    unsigned int bf_len; /* instructions */
    struct bpf_insn* bf_insns;
};

struct bpf_stat {
    uint64_t bs_recv; /* shown to the filter */
    uint64_t bs_drop; /* wanted by it, and no room */
    uint64_t bs_capt; /* wanted by it */
    uint64_t bs_padding[13];
};

struct bpf_stat_old {
    unsigned int bs_recv;
    unsigned int bs_drop;
};

struct bpf_version {
    unsigned short bv_major;
    unsigned short bv_minor;
};

struct bpf_timeval {
    long tv_sec;
    long tv_usec;
};

struct bpf_hdr {
    struct bpf_timeval bh_tstamp;
    uint32_t bh_caplen;  /* bytes here */
    uint32_t bh_datalen; /* bytes on the wire */
    uint16_t bh_hdrlen;
};

struct bpf_dltlist {
    unsigned int bfl_len; /* in: room, out: how many there are */
    unsigned int* bfl_list;
};

#define BIOCGBLEN _IOR('B', 102, unsigned int)
#define BIOCSBLEN _IOWR('B', 102, unsigned int)
#define BIOCSETF _IOW('B', 103, struct bpf_program)
#define BIOCFLUSH _IO('B', 104)
#define BIOCPROMISC _IO('B', 105)
#define BIOCGDLT _IOR('B', 106, unsigned int)
#define BIOCGETIF _IOR('B', 107, struct ifreq)
#define BIOCSETIF _IOW('B', 108, struct ifreq)
#define BIOCGSTATS _IOR('B', 111, struct bpf_stat)
#define BIOCGSTATSOLD _IOR('B', 111, struct bpf_stat_old)
#define BIOCIMMEDIATE _IOW('B', 112, unsigned int)
#define BIOCVERSION _IOR('B', 113, struct bpf_version)
#define BIOCGHDRCMPLT _IOR('B', 116, unsigned int)
#define BIOCSHDRCMPLT _IOW('B', 117, unsigned int)
#define BIOCSDLT _IOW('B', 118, unsigned int)
#define BIOCGDLTLIST _IOWR('B', 119, struct bpf_dltlist)
#define BIOCGDIRECTION _IOR('B', 120, unsigned int)
#define BIOCSDIRECTION _IOW('B', 121, unsigned int)
#define BIOCGSEESENT BIOCGDIRECTION
#define BIOCSSEESENT BIOCSDIRECTION
#define BIOCSRTIMEOUT _IOW('B', 122, struct timeval)
#define BIOCGRTIMEOUT _IOR('B', 123, struct timeval)
#define BIOCGFEEDBACK _IOR('B', 124, unsigned int)
#define BIOCSFEEDBACK _IOW('B', 125, unsigned int)
#define BIOCFEEDBACK BIOCSFEEDBACK
#define BIOCLOCK _IO('B', 126)
#define BIOCGWTIMEOUT _IOR('B', 126, struct timeval)
#define BIOCSWTIMEOUT _IOW('B', 126, struct timeval)
#define BIOCSETWF _IOW('B', 127, struct bpf_program)
#define BIOCSETFNR _IOW('B', 130, struct bpf_program)
#define BIOCGDIRFILT _IOR('B', 224, unsigned int)
#define BIOCSDIRFILT _IOW('B', 225, unsigned int)
#define BIOCDWTIMEOUT _IO('B', 226)

/* BIOCSDIRECTION; BIOCSSEESENT knows the first two as 0 and 1. */
#define BPF_D_IN 0
#define BPF_D_INOUT 1
#define BPF_D_OUT 2

/* BIOCSDIRFILT: what is left out; not both. */
#define BPF_DIRECTION_IN 1
#define BPF_DIRECTION_OUT 2

#define BPF_CLASS(code) ((code)&0x07)
#define BPF_LD 0x00
#define BPF_LDX 0x01
#define BPF_ST 0x02
#define BPF_STX 0x03
#define BPF_ALU 0x04
#define BPF_JMP 0x05
#define BPF_RET 0x06
#define BPF_MISC 0x07

#define BPF_SIZE(code) ((code)&0x18)
#define BPF_W 0x00
#define BPF_H 0x08
#define BPF_B 0x10

#define BPF_MODE(code) ((code)&0xe0)
#define BPF_IMM 0x00
#define BPF_ABS 0x20
#define BPF_IND 0x40
#define BPF_MEM 0x60
#define BPF_LEN 0x80
#define BPF_MSH 0xa0

#define BPF_OP(code) ((code)&0xf0)
#define BPF_ADD 0x00
#define BPF_SUB 0x10
#define BPF_MUL 0x20
#define BPF_DIV 0x30
#define BPF_OR 0x40
#define BPF_AND 0x50
#define BPF_LSH 0x60
#define BPF_RSH 0x70
#define BPF_NEG 0x80
#define BPF_MOD 0x90
#define BPF_XOR 0xa0
#define BPF_JA 0x00
#define BPF_JEQ 0x10
#define BPF_JGT 0x20
#define BPF_JGE 0x30
#define BPF_JSET 0x40

#define BPF_SRC(code) ((code)&0x08)
#define BPF_K 0x00
#define BPF_X 0x08

#define BPF_RVAL(code) ((code)&0x18)
#define BPF_A 0x10

#define BPF_MISCOP(code) ((code)&0xf8)
#define BPF_TAX 0x00
#define BPF_TXA 0x80

#define BPF_STMT(code, k)                                                                                              \
    { (uint16_t)(code), 0, 0, k }
#define BPF_JUMP(code, k, jt, jf)                                                                                      \
    { (uint16_t)(code), jt, jf, k }

/* Link types. libpcap has the list; without it here are those that the device can have. */
#if defined(__has_include)
#if __has_include(<pcap/dlt.h>)
#include <pcap/dlt.h>
#endif
#endif
#ifndef DLT_EN10MB
#define DLT_NULL 0
#define DLT_EN10MB 1
#define DLT_RAW 12
#endif

#endif
