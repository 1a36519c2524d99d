/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a program is. Every program of pfild uses a map with one entry of this kind, made and frozen before the program
 * is loaded. Names and handles of programs can be anybody's; such a map can be made by root only.
 *
 *     program --map ids--> array of one entry, read-only --entry 0--> struct pfild_identity
 *             '----------> socket map of one entry: holds a socket of the daemon as long as that lives
 *
 * Written by the daemon, a constant to the program that uses it. C11 and C++20, host byte order.
 */
#ifndef PFILD_IDENTITY_H
#define PFILD_IDENTITY_H

#include "pfild/abi.h"

#define PFILD_IDENTITY_MAGIC 0x7066696c64206964ULL /* "pfild id" */
#define PFILD_IDENTITY_SECTION ".rodata.identity"

struct pfild_identity {
    __u64 magic;
    __u64 run[2]; /* random: the one run of a daemon */
    __u64 netns_device;
    __u64 netns_inode; /* the namespace that the instance guards */
    __u64 pidns_inode;
    __u32 pid;         /* of the daemon, in that namespace of processes */
    __u32 slot;        /* of a head: the entry of `interfaces` that it acts by */
    __u32 attachment;  /* of a head: what that entry must say; 0: a program that belongs to no interface */
    __u32 home;        /* of the daemon: the file system of its runtime folder, which a mount namespace may have own */
    char instance[40]; /* name, filled up with 0 */
};
PFILD_ASSERT_SIZE(struct pfild_identity, 104);

#endif
