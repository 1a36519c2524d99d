// SPDX-License-Identifier: BSD-2-Clause
// Bytes of a read as packets; and bytes that are none.
#include "client/record_reader.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace pfild::client {
namespace {

using RawBytes = std::vector<std::uint8_t>;

RawBytes record(const pfild_record& header, const RawBytes& packet, bool padded = true) {
    RawBytes bytes(header.hdrlen, 0);
    std::memcpy(bytes.data(), &header, sizeof header);
    bytes.insert(bytes.end(), packet.begin(), packet.end());
    if (padded) {
        bytes.resize(PFILD_RECORD_ALIGN(bytes.size()), 0);
    }
    return bytes;
}

pfild_record header_for(std::uint32_t caplen) {
    return {1'700'000'000, 999'999'999, caplen, caplen, sizeof(pfild_record), PFILD_RECORD_OUT, 0, 4};
}

TEST(RecordReader, gives_each_packet_with_its_time_and_origin) {
    RawBytes bytes = record(header_for(3), {1, 2, 3});
    pfild_record cut{5, 6, 2, 1514, sizeof(pfild_record) + 8, PFILD_RECORD_NO_DIRECTION, 0, 0}; // a longer header
    const RawBytes second = record(cut, {8, 9});
    const RawBytes empty = record({7, 0, 0, 60, sizeof(pfild_record), PFILD_RECORD_IN, 0, 1}, {});
    const RawBytes last = record(header_for(5), RawBytes(5, 4), false); // without its padding
    for (const RawBytes& more : {second, empty, last}) {
        bytes.insert(bytes.end(), more.begin(), more.end());
    }
    RecordReader records(bytes);
    struct Row {
        std::int64_t seconds;
        std::uint32_t nanoseconds;
        std::uint32_t length;
        RawBytes bytes;
        pfild_record_direction direction;
        std::uint32_t ifindex;
    };
    const Row rows[] = {
        {1'700'000'000, 999'999'999, 3, {1, 2, 3}, PFILD_RECORD_OUT, 4},
        {5, 6, 1514, {8, 9}, PFILD_RECORD_NO_DIRECTION, 0},
        {7, 0, 60, {}, PFILD_RECORD_IN, 1},
        {1'700'000'000, 999'999'999, 5, RawBytes(5, 4), PFILD_RECORD_OUT, 4},
    };
    for (const Row& row : rows) {
        const auto next = records.next();
        ASSERT_TRUE(next && *next);
        EXPECT_EQ((*next)->seconds, row.seconds);
        EXPECT_EQ((*next)->nanoseconds, row.nanoseconds);
        EXPECT_EQ((*next)->length, row.length);
        EXPECT_EQ(RawBytes((*next)->bytes.begin(), (*next)->bytes.end()), row.bytes);
        EXPECT_EQ((*next)->direction, row.direction);
        EXPECT_EQ((*next)->ifindex, row.ifindex);
    }
    const auto end = records.next();
    ASSERT_TRUE(end);
    EXPECT_FALSE(*end);
}

TEST(RecordReader, takes_nothing_for_a_record_that_is_none) {
    struct Row {
        const char* sentence;
        void (*change)(pfild_record&);
    };
    const Row rows[] = {
        {"a header that is shorter than one", [](pfild_record& h) { h.hdrlen = 31; }},
        {"no header", [](pfild_record& h) { h.hdrlen = 0; }},
        {"a header that is longer than the rest", [](pfild_record& h) { h.hdrlen = 65535; }},
        {"a packet that is longer than the rest", [](pfild_record& h) { h.caplen = h.datalen = 9; }},
        {"a packet as long as can be", [](pfild_record& h) { h.caplen = h.datalen = UINT32_MAX; }},
        {"more was captured than there was", [](pfild_record& h) { h.datalen = 7; }},
        {"a fraction that is a second", [](pfild_record& h) { h.fraction = 1'000'000'000; }},
        {"a negative fraction", [](pfild_record& h) { h.fraction = -1; }},
        {"a third direction", [](pfild_record& h) { h.direction = 3; }},
    };
    for (const Row& row : rows) {
        RawBytes bytes = record(header_for(8), RawBytes(8, 1));
        pfild_record header = header_for(8);
        row.change(header);
        std::memcpy(bytes.data(), &header, sizeof header);
        RecordReader records(bytes);
        const auto next = records.next();
        ASSERT_FALSE(next) << row.sentence;
        EXPECT_EQ(next.error().code, EPROTO) << row.sentence;
        const auto after = records.next();
        EXPECT_TRUE(after && !*after) << row.sentence << ": nothing follows it";
    }
    for (const std::size_t length : {1, 31}) {
        const RawBytes bytes(length, 0);
        EXPECT_FALSE(RecordReader(bytes).next()) << length;
    }
    EXPECT_TRUE(RecordReader({}).next());
}

} // namespace
} // namespace pfild::client
