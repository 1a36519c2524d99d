// SPDX-License-Identifier: BSD-2-Clause
// Ioctls as requests and answers as arguments: each number against what include/pfild/wire.h says of its op.
#include "devbpf/ioctls.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "pfild/net/bpf.h"

namespace pfild::devbpf {
namespace {

template <typename T>
Bytes bytes(const T& value) {
    Bytes made(sizeof value);
    std::memcpy(made.data(), &value, sizeof value);
    return made;
}

Bytes u32(std::uint32_t value) { return bytes(value); }

Bytes option(pfild_option_name name, std::uint32_t value) { return bytes(pfild_option{.name = name, .value = value}); }

ifreq named(const std::string& name) {
    ifreq request{};
    std::memcpy(request.ifr_name, name.data(), name.size());
    return request;
}

int error_of(std::uint32_t number, const Bytes& argument) {
    const auto asked = question(number, argument);
    return asked ? 0 : asked.error().code;
}

struct Set {
    const char* sentence;
    unsigned long number;
    Bytes argument;
    pfild_op op;
    Bytes payload;
};

TEST(Ioctls, what_sets_something_asks_for_exactly_that) {
    const timeval time{.tv_sec = 3, .tv_usec = 5};
    const pfild_read_timeout limit{.seconds = 3, .microseconds = 5};
    const Set rows[] = {
        {"a buffer", BIOCSBLEN, u32(4096), PFILD_OP_SET_BUFFER_SIZE, u32(4096)},
        {"the largest one", BIOCSBLEN, u32(kLargestBuffer), PFILD_OP_SET_BUFFER_SIZE, u32(kLargestBuffer)},
        {"one that no read can have", BIOCSBLEN, u32(0xffffffff), PFILD_OP_SET_BUFFER_SIZE, u32(kLargestBuffer)},
        {"flush", BIOCFLUSH, {}, PFILD_OP_FLUSH, {}},
        {"promiscuous", BIOCPROMISC, {}, PFILD_OP_SET_PROMISCUOUS, {}},
        {"a link type", BIOCSDLT, u32(1), PFILD_OP_SET_DATA_LINK, u32(1)},
        {"an interface", BIOCSETIF, bytes(named("eth0")), PFILD_OP_SET_INTERFACE, {'e', 't', 'h', '0'}},
        {"a name that fills its field and has no end",
         BIOCSETIF,
         bytes(named("abcdefghijklmnop")),
         PFILD_OP_SET_INTERFACE,
         {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o'}},
        {"no name", BIOCSETIF, bytes(named("")), PFILD_OP_SET_INTERFACE, {' '}},
        {"immediate", BIOCIMMEDIATE, u32(1), PFILD_OP_SET_OPTION, option(PFILD_OPTION_IMMEDIATE, 1)},
        {"any other number is 1", BIOCIMMEDIATE, u32(256), PFILD_OP_SET_OPTION, option(PFILD_OPTION_IMMEDIATE, 1)},
        {"a complete header", BIOCSHDRCMPLT, u32(0), PFILD_OP_SET_OPTION, option(PFILD_OPTION_HEADER_COMPLETE, 0)},
        {"do not see what is sent", BIOCSSEESENT, u32(0), PFILD_OP_SET_OPTION, option(PFILD_OPTION_DIRECTIONS, 1)},
        {"see it", BIOCSSEESENT, u32(1), PFILD_OP_SET_OPTION, option(PFILD_OPTION_DIRECTIONS, 3)},
        {"see that only", BIOCSDIRECTION, u32(BPF_D_OUT), PFILD_OP_SET_OPTION, option(PFILD_OPTION_DIRECTIONS, 2)},
        {"a time-out", BIOCSRTIMEOUT, bytes(time), PFILD_OP_SET_READ_TIMEOUT, bytes(limit)},
        {"feedback", BIOCSFEEDBACK, u32(3), PFILD_OP_SET_OPTION, option(PFILD_OPTION_FEEDBACK, 1)},
        {"leave nothing out", BIOCSDIRFILT, u32(0), PFILD_OP_SET_OPTION, option(PFILD_OPTION_DIRECTIONS, 3)},
        {"leave out what comes in", BIOCSDIRFILT, u32(BPF_DIRECTION_IN), PFILD_OP_SET_OPTION,
         option(PFILD_OPTION_DIRECTIONS, 2)},
        {"leave out what goes out", BIOCSDIRFILT, u32(BPF_DIRECTION_OUT), PFILD_OP_SET_OPTION,
         option(PFILD_OPTION_DIRECTIONS, 1)},
        {"a wait time-out", BIOCSWTIMEOUT, bytes(time), PFILD_OP_SET_WAIT_TIMEOUT, bytes(limit)},
        {"no wait time-out", BIOCDWTIMEOUT, {}, PFILD_OP_END_WAIT_TIMEOUT, {}},
        {"a lock", BIOCLOCK, {}, PFILD_OP_LOCK, {}},
        {"no filter", BIOCSETF, bytes(bpf_program{}), PFILD_OP_SET_FILTER, {}},
    };
    for (const Set& row : rows) {
        const auto asked = question(static_cast<std::uint32_t>(row.number), row.argument);
        ASSERT_TRUE(asked) << row.sentence;
        EXPECT_EQ(asked->op, row.op) << row.sentence;
        EXPECT_EQ(asked->payload, row.payload) << row.sentence;
        EXPECT_FALSE(asked->program) << row.sentence;
        const auto told = answer(*asked, row.number == BIOCSBLEN ? row.payload : Bytes{});
        ASSERT_TRUE(told) << row.sentence;
        EXPECT_EQ(told->argument, row.number == BIOCSBLEN ? row.payload : Bytes{}) << row.sentence;
    }
}

struct Get {
    const char* sentence;
    unsigned long number;
    pfild_op op;
    Bytes payload; ///< of the daemon's answer
    Bytes argument;
};

TEST(Ioctls, what_gets_something_tells_the_program_what_the_daemon_says) {
    const pfild_stats stats{.received = 7, .dropped = 2, .captured = 5, .filtered = 9};
    bpf_stat told{};
    told.bs_recv = 7;
    told.bs_drop = 2;
    told.bs_capt = 5;
    const pfild_options in_only{.header_complete = 1, .incoming = 1};
    const pfild_options both{.incoming = 1, .outgoing = 1};
    const pfild_options out_only{.outgoing = 1};
    const pfild_options feedback{.feedback = 1, .incoming = 1, .outgoing = 1};
    const Get rows[] = {
        {"the buffer", BIOCGBLEN, PFILD_OP_GET_BUFFER_SIZE, u32(32768), u32(32768)},
        {"the link type", BIOCGDLT, PFILD_OP_GET_DATA_LINK, u32(1), u32(1)},
        {"the interface", BIOCGETIF, PFILD_OP_GET_INTERFACE, {'l', 'o'}, bytes(named("lo"))},
        {"a name that is too long", BIOCGETIF, PFILD_OP_GET_INTERFACE, Bytes(40, 'x'),
         bytes(named(std::string(15, 'x')))},
        {"statistics", BIOCGSTATS, PFILD_OP_GET_STATS, bytes(stats), bytes(told)},
        {"the old ones", BIOCGSTATSOLD, PFILD_OP_GET_STATS, bytes(stats),
         bytes(bpf_stat_old{.bs_recv = 7, .bs_drop = 2})},
        {"the version", BIOCVERSION, PFILD_OP_GET_VERSION, bytes(pfild_version{.major = 1, .minor = 1}),
         bytes(bpf_version{.bv_major = 1, .bv_minor = 1})},
        {"a complete header", BIOCGHDRCMPLT, PFILD_OP_GET_OPTIONS, bytes(in_only), u32(1)},
        {"only what comes in", BIOCGSEESENT, PFILD_OP_GET_OPTIONS, bytes(in_only), u32(0)},
        {"both", BIOCGDIRECTION, PFILD_OP_GET_OPTIONS, bytes(both), u32(BPF_D_INOUT)},
        {"only what goes out", BIOCGDIRECTION, PFILD_OP_GET_OPTIONS, bytes(out_only), u32(BPF_D_OUT)},
        {"feedback", BIOCGFEEDBACK, PFILD_OP_GET_OPTIONS, bytes(feedback), u32(1)},
        {"nothing is left out", BIOCGDIRFILT, PFILD_OP_GET_OPTIONS, bytes(both), u32(0)},
        {"what goes out is", BIOCGDIRFILT, PFILD_OP_GET_OPTIONS, bytes(in_only), u32(BPF_DIRECTION_OUT)},
        {"what comes in is", BIOCGDIRFILT, PFILD_OP_GET_OPTIONS, bytes(out_only), u32(BPF_DIRECTION_IN)},
        {"the wait time-out", BIOCGWTIMEOUT, PFILD_OP_GET_WAIT_TIMEOUT,
         bytes(pfild_read_timeout{.seconds = 1, .microseconds = 2}), bytes(timeval{.tv_sec = 1, .tv_usec = 2})},
        {"the time-out", BIOCGRTIMEOUT, PFILD_OP_GET_READ_TIMEOUT,
         bytes(pfild_read_timeout{.seconds = 1, .microseconds = 2}), bytes(timeval{.tv_sec = 1, .tv_usec = 2})},
    };
    for (const Get& row : rows) {
        const auto asked = question(static_cast<std::uint32_t>(row.number), {});
        ASSERT_TRUE(asked) << row.sentence;
        EXPECT_EQ(asked->op, row.op) << row.sentence;
        EXPECT_TRUE(asked->payload.empty()) << row.sentence;
        const auto got = answer(*asked, row.payload);
        ASSERT_TRUE(got) << row.sentence;
        EXPECT_EQ(got->argument, row.argument) << row.sentence;
        EXPECT_EQ(got->argument.size(), _IOC_SIZE(row.number)) << row.sentence;
        const auto short_one = answer(*asked, ByteView());
        EXPECT_EQ(short_one ? 0 : short_one.error().code, EIO) << row.sentence << ": an empty answer";
    }
}

TEST(Ioctls, a_program_is_read_from_where_it_is_and_has_at_most_512_instructions) {
    bpf_insn* const place = reinterpret_cast<bpf_insn*>(0x1000);
    for (const auto& [number, op] : {std::pair{BIOCSETF, PFILD_OP_SET_FILTER},
                                     {BIOCSETFNR, PFILD_OP_REPLACE_FILTER},
                                     {BIOCSETWF, PFILD_OP_SET_WRITE_FILTER}}) {
        const auto asked =
            question(static_cast<std::uint32_t>(number), bytes(bpf_program{.bf_len = 512, .bf_insns = place}));
        ASSERT_TRUE(asked && asked->program);
        EXPECT_EQ(asked->op, op);
        EXPECT_EQ(asked->program->address, 0x1000U);
        EXPECT_EQ(asked->program->bytes, 4096U);
        for (const std::uint32_t count : {513U, 0x20000000U, 0xffffffffU}) {
            EXPECT_EQ(
                error_of(static_cast<std::uint32_t>(number), bytes(bpf_program{.bf_len = count, .bf_insns = place})),
                EINVAL);
        }
    }
}

TEST(Ioctls, link_types_go_where_there_is_room_for_all_of_them) {
    const Bytes two = bytes(std::array<std::uint32_t, 2>{1, 143});
    unsigned int* const place = reinterpret_cast<unsigned int*>(0x2000);
    const auto told = [&](unsigned int room, unsigned int* at) {
        return answer(*question(BIOCGDLTLIST, bytes(bpf_dltlist{.bfl_len = room, .bfl_list = at})), two);
    };
    const auto list_of = [](const Answer& said) {
        bpf_dltlist list{};
        EXPECT_EQ(said.argument.size(), sizeof list);
        std::memcpy(&list, said.argument.data(), sizeof list);
        return std::pair(list.bfl_len, list.bfl_list);
    };
    EXPECT_EQ(list_of(*told(0, nullptr)), std::pair(2U, static_cast<unsigned int*>(nullptr)));
    EXPECT_TRUE(told(0, nullptr)->link_types.empty()) << "only how many there are was asked";
    EXPECT_EQ(told(2, place)->link_types, two);
    EXPECT_EQ(told(0xffffffff, place)->link_types, two) << "never more than there are";
    EXPECT_EQ(list_of(*told(2, place)), std::pair(2U, place));
    EXPECT_EQ(told(1, place).error().code, ENOMEM);
    EXPECT_EQ(told(0, place).error().code, ENOMEM);
    const auto asked = *question(BIOCGDLTLIST, bytes(bpf_dltlist{.bfl_len = 9, .bfl_list = place}));
    for (const std::size_t length : {0, 3, 5, 260, 4000}) {
        EXPECT_EQ(answer(asked, Bytes(length)).error().code, EIO) << length;
    }
}

TEST(Ioctls, others_are_none) {
    for (const std::uint32_t number :
         {0U, 0x5401U /* TCGETS */, 0xffffffffU, static_cast<std::uint32_t>(_IOW('B', 103, std::uint64_t)),
          static_cast<std::uint32_t>(_IOW('B', 124, unsigned)), static_cast<std::uint32_t>(_IO('B', 102))}) {
        EXPECT_EQ(error_of(number, Bytes(64)), ENOTTY) << number;
    }
    EXPECT_EQ(error_of(BIOCSBLEN, Bytes(3)), EINVAL) << "its argument is not there";
    EXPECT_EQ(error_of(BIOCSDIRECTION, u32(3)), EINVAL);
    for (const std::uint32_t both_or_none : {3U, 4U, 0xffffffffU}) {
        EXPECT_EQ(error_of(BIOCSDIRFILT, u32(both_or_none)), EINVAL) << both_or_none;
    }
}

} // namespace
} // namespace pfild::devbpf
