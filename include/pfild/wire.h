/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device socket, /run/pfild/NAME/bpf.sock: what a program says to open a bpf device, set it up and read from it.
 * C11 and C++20; host byte order: messages do not leave the machine. Protocol version PFILD_WIRE_VERSION.
 *
 * AF_UNIX, SOCK_SEQPACKET: one message a packet, a struct pfild_request or pfild_reply and `length` bytes behind it.
 * Who asks is known by the kernel's credentials of each message (SO_PASSCRED), never by what it says; but see
 * pfild_open_for.
 *
 *     client                                    daemon
 *       | OPEN {version, access}  ------------->  |
 *       | <------ reply {device} + a descriptor   |     the device ends with CLOSE, or with the connection
 *       | SET_FILTER, SET_INTERFACE .. ---------->  |
 *       | READ {size}  ------------------------>  |     answered when there are records, at once or later;
 *       | <------ reply, records (MORE)           |     other requests are answered meanwhile (but see EIO)
 *       | <------ reply, records                  |
 *
 * The descriptor that comes with OPEN (SCM_RIGHTS) is what a program polls, duplicates and hands to children: readable
 * when the device is (poll, contract BD-30 to BD-38), POLLHUP when its interface is gone, always writable. Nothing is
 * to be read from it or written to it.
 *
 * Requests of a connection are answered in order, but READ when it is done. An answer has the request's id and op.
 * Records of one READ may come in several messages, all but the last with PFILD_REPLY_MORE; together they are what
 * read(2) would return. Or they do not come at all: SHARE gives a descriptor of the memory they are in. With an error
 * the payload is a sentence for people, UTF-8, without end.
 *
 * Errors that any request can get: EPROTO a malformed message, the connection then ends; EBADF no such device of this
 * connection; ENOTTY no such op; EINVAL a payload that is not of the size here; EIO a READ of the device waits (all
 * but WRITE, CANCEL, CLOSE; contract 2.8); EPERM the device is locked (see LOCK). A client that does not take its
 * answers is disconnected.
 *
 * A connection that is one too many gets a reply of id 0 that nobody has asked for, EAGAIN (in all) or EMFILE (of the
 * user), and is closed.
 */
#ifndef PFILD_WIRE_H
#define PFILD_WIRE_H

#include <assert.h>

#include <linux/types.h>

#include "pfild/record.h"

#define PFILD_WIRE_VERSION 1

/* The longest messages, bytes. A request: a frame, of at most 65,536 bytes behind a link header of at most 64. */
#define PFILD_WIRE_REQUEST_MAX (16 + 65536 + 64)
#define PFILD_WIRE_REPLY_MAX (24 + 32768)

struct pfild_request {
    __u32 id;     /* the client's; comes back in the reply */
    __u32 device; /* number from OPEN's reply; 0 in OPEN */
    __u32 length; /* bytes that follow */
    __u16 op;     /* enum pfild_op */
    __u16 zero;   /* 0 */
};
static_assert(sizeof(struct pfild_request) == 16, "struct pfild_request");

#define PFILD_REPLY_MORE 0x1 /* further records of this READ follow */

struct pfild_reply {
    __u32 id;
    __u32 device;
    __u32 length; /* bytes that follow */
    __u16 op;
    __u16 flags;
    __u32 error; /* errno(3); 0: done */
    __u32 zero;
};
static_assert(sizeof(struct pfild_reply) == 24, "struct pfild_reply");

/*
 * Payload of the request -> of the reply. The errors are those of the bpf(4) call of that name (contract 2.3, 2.8).
 */
enum pfild_op {
    PFILD_OP_OPEN,             /* pfild_open or pfild_open_for -> - ; ENOBUFS: too many, EPROTONOSUPPORT: another
                                  version */
    PFILD_OP_CLOSE,            /* - -> - */
    PFILD_OP_READ,             /* pfild_read -> records */
    PFILD_OP_CANCEL,           /* __u32, id of a READ: it ends with EINTR if it still waits -> - */
    PFILD_OP_GET_BUFFER_SIZE,  /* - -> __u32, bytes (BIOCGBLEN) */
    PFILD_OP_SET_BUFFER_SIZE,  /* __u32 -> __u32, what it became (BIOCSBLEN) */
    PFILD_OP_SET_FILTER,       /* pfild_instruction.. -> - ; none: no filter (BIOCSETF) */
    PFILD_OP_REPLACE_FILTER,   /* the same, what was captured stays (BIOCSETFNR) */
    PFILD_OP_FLUSH,            /* - -> - (BIOCFLUSH) */
    PFILD_OP_SET_PROMISCUOUS,  /* - -> - (BIOCPROMISC) */
    PFILD_OP_GET_DATA_LINK,    /* - -> __u32, DLT_ number (BIOCGDLT) */
    PFILD_OP_GET_INTERFACE,    /* - -> its name (BIOCGETIF) */
    PFILD_OP_SET_INTERFACE,    /* a name, 1 to 127 bytes; "any": all Ethernet ones -> - (BIOCSETIF) */
    PFILD_OP_GET_READ_TIMEOUT, /* - -> pfild_read_timeout (BIOCGRTIMEOUT) */
    PFILD_OP_SET_READ_TIMEOUT, /* pfild_read_timeout -> - (BIOCSRTIMEOUT) */
    PFILD_OP_GET_OPTIONS,      /* - -> pfild_options */
    PFILD_OP_SET_OPTIONS,      /* pfild_options -> - ; all at once */
    PFILD_OP_GET_STATS,        /* - -> pfild_stats (BIOCGSTATS; BIOCGSTATSOLD: received and dropped, 32 bits each) */
    PFILD_OP_GET_READABLE,     /* - -> __u64, bytes that can be read (FIONREAD) */
    PFILD_OP_SHARE,            /* - -> __u32, bytes, + a descriptor: both buffers, to be mapped for reading (in place of
                                  BIOCSETZBUF); EINVAL: no interface yet, EOPNOTSUPP: they cannot be shared */
    PFILD_OP_SET_OPTION,       /* pfild_option -> - ; one alone: who else uses the device keeps his */
    PFILD_OP_SET_DATA_LINK,    /* __u32, a DLT_ number of GET_DATA_LINKS -> - (BIOCSDLT) */
    PFILD_OP_GET_DATA_LINKS,   /* - -> __u32.., DLT_ numbers (BIOCGDLTLIST) */
    PFILD_OP_WRITE,            /* a frame with its link header, 0 bytes or more -> __u32, bytes (write, contract 2.7) */
    PFILD_OP_SET_WRITE_FILTER, /* as SET_FILTER, for what is written (BIOCSETWF): EPERM what it does not want whole */
    PFILD_OP_LOCK,        /* - -> - ; for good: what changes who is seen or written is EPERM from then on (BIOCLOCK) */
    PFILD_OP_GET_VERSION, /* - -> pfild_version, of the filters' language (BIOCVERSION) */
    PFILD_OP_GET_WAIT_TIMEOUT, /* - -> pfild_read_timeout (BIOCGWTIMEOUT); ENXIO: there is none */
    PFILD_OP_SET_WAIT_TIMEOUT, /* pfild_read_timeout -> - (BIOCSWTIMEOUT): packets make the device readable so long
                                  after the first of them; EINVAL: more than 300 s */
    PFILD_OP_END_WAIT_TIMEOUT, /* - -> - (BIOCDWTIMEOUT); none is no error */
    PFILD_OPS
};

enum pfild_access { PFILD_ACCESS_READ, PFILD_ACCESS_WRITE, PFILD_ACCESS_BOTH };

struct pfild_open {
    __u32 version; /* PFILD_WIRE_VERSION */
    __u32 access;  /* enum pfild_access */
};
static_assert(sizeof(struct pfild_open) == 8, "struct pfild_open");

/*
 * A device for another program: who serves devices as files opens it so. Whose device it is, which limits and rights
 * it has, which process listings show: all of that is the program's. Believed of root, and of the user of pfild-devbpf;
 * of others only `open` counts, and the device is theirs.
 */
struct pfild_open_for {
    struct pfild_open open;
    __s32 pid; /* 0: in no namespace of processes that the sender sees; negative: EINVAL */
    __u32 uid; /* the one that counts for files; the greatest number is EINVAL */
    __u32 gid; /* likewise; nothing depends on it yet */
};
static_assert(sizeof(struct pfild_open_for) == 20, "struct pfild_open_for");

#define PFILD_READ_NONBLOCKING 0x1 /* this time */
#define PFILD_READ_LEND 0x2        /* the answer is a pfild_lent; EINVAL: not without PFILD_OP_SHARE */

struct pfild_read {
    __u32 size; /* of the reader's buffer, must be the device's */
    __u32 flags;
};
static_assert(sizeof(struct pfild_read) == 8, "struct pfild_read");

/*
 * The records of a READ where they are, in the memory that is shared. They stay until the next READ of the device, a
 * FLUSH, a SET_FILTER or CLOSE; until then there is only the other buffer to capture into.
 */
struct pfild_lent {
    __u32 offset; /* bytes */
    __u32 length; /* bytes; 0: the read-time-out is over, and nothing is lent */
};
static_assert(sizeof(struct pfild_lent) == 8, "struct pfild_lent");

/* struct bpf_insn */
struct pfild_instruction {
    __u16 code;
    __u8 jt;
    __u8 jf;
    __u32 k;
};
static_assert(sizeof(struct pfild_instruction) == 8, "struct pfild_instruction");

struct pfild_read_timeout {
    __s64 seconds;
    __s64 microseconds;
};
static_assert(sizeof(struct pfild_read_timeout) == 16, "struct pfild_read_timeout");

/* Switches, 0 or 1 where nothing else is said; other values are EINVAL. */
struct pfild_options {
    __u8 immediate;       /* BIOCIMMEDIATE */
    __u8 header_complete; /* BIOCSHDRCMPLT */
    __u8 feedback;        /* BIOCSFEEDBACK */
    __u8 nonblocking;     /* O_NONBLOCK: of every read */
    __u8 incoming;        /* directions that are seen; not neither */
    __u8 outgoing;        /* (BIOCSSEESENT, BIOCSDIRECTION) */
    __u8 origins;         /* records tell direction and interface */
    __u8 nanoseconds;     /* in the records' time stamps, instead of microseconds */
    __u8 personality;     /* 0: NetBSD and MINIX, 1: FreeBSD (capture/device_settings.h) */
    __u8 zero[7];
};
static_assert(sizeof(struct pfild_options) == 16, "struct pfild_options");

/* The members of pfild_options, in that order, but one for both directions. */
enum pfild_option_name {
    PFILD_OPTION_IMMEDIATE,
    PFILD_OPTION_HEADER_COMPLETE,
    PFILD_OPTION_FEEDBACK,
    PFILD_OPTION_NONBLOCKING,
    PFILD_OPTION_DIRECTIONS, /* 1 incoming, 2 outgoing, 3 both (BIOCSDIRFILT: 3 less what it leaves out; not both) */
    PFILD_OPTION_ORIGINS,
    PFILD_OPTION_NANOSECONDS,
    PFILD_OPTION_PERSONALITY,
    PFILD_OPTIONS
};

struct pfild_option {
    __u32 name;  /* enum pfild_option_name */
    __u32 value; /* as in pfild_options; others are EINVAL */
};
static_assert(sizeof(struct pfild_option) == 8, "struct pfild_option");

/* struct bpf_version: 1.1 */
struct pfild_version {
    __u16 major;
    __u16 minor;
};
static_assert(sizeof(struct pfild_version) == 4, "struct pfild_version");

/* Packets since the last flush. received = captured + filtered, captured = delivered + dropped + buffered + flushed. */
struct pfild_stats {
    __u64 received;
    __u64 dropped;  /* wanted, or never judged, but there was no room */
    __u64 captured; /* wanted by the filter; the first three are struct bpf_stat */
    __u64 filtered; /* not wanted */
    __u64 delivered;
    __u64 buffered; /* can be read */
    __u64 flushed;  /* thrown away unread */
    __u64 lost;     /* of the dropped: the tap could not take them, so the filter never saw them */
};
static_assert(sizeof(struct pfild_stats) == 64, "struct pfild_stats");

#endif
