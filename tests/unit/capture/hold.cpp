// SPDX-License-Identifier: BSD-2-Clause
// Store and hold: what fits where, when they rotate, what is dropped, and every byte of a record.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "capture/hold.h"
#include "tests/unit/capture/records.h"

namespace pfild::capture {
namespace {

Hold hold_of(std::uint32_t size) { return {size, private_memory(std::size_t{2} * size)}; }

/// Appends a packet of `wire` bytes of which `caplen` are wanted.
Placed append(Hold& hold, std::uint32_t caplen, std::uint32_t wire, const std::vector<std::size_t>& cuts = {}) {
    const core::Bytes bytes = core::counting(wire);
    pfild_record header{};
    header.caplen = caplen;
    header.datalen = wire;
    return hold.append(header, pieces_of(bytes, cuts));
}

/// Appends a record of exactly `length` bytes.
Placed append_record(Hold& hold, std::uint32_t length) { return append(hold, length - 32, length - 32); }

/// The only record after a rotation.
ReadRecord only_record(Hold& hold) {
    if (hold.held().empty()) {
        hold.rotate();
    }
    std::vector<ReadRecord> records = records_in(hold.held());
    EXPECT_EQ(records.size(), 1U);
    return records.empty() ? ReadRecord{} : records[0];
}

TEST(Hold, T1_to_T7_BD_52_BD_53_BD_57_lays_out_a_record_by_what_is_wanted_of_the_packet) {
    struct Row {
        const char* sentence;
        std::uint32_t wanted;
        std::uint32_t wire;
        std::uint32_t size;
        std::uint32_t caplen;
        std::uint32_t length;
    };
    for (const Row& row : {
             Row{"T2 one byte", 1, 60, 4096, 1, 40},
             Row{"T3 eight bytes need no padding", 8, 60, 4096, 8, 40},
             Row{"T4 nine bytes need seven of padding", 9, 60, 4096, 9, 48},
             Row{"T5 a whole packet", 60, 60, 4096, 60, 96},
             Row{"one byte less than the buffer takes", 4063, 65014, 4096, 4063, 4096},
             Row{"as much as the buffer takes", 4064, 65014, 4096, 4064, 4096},
             Row{"one byte more is cut", 4065, 65014, 4096, 4064, 4096},
             Row{"T6 a long packet is cut to the whole buffer", 65014, 65014, 4096, 4064, 4096},
             Row{"T7 the smallest buffer has room for headers alone", 60, 60, 32, 0, 32},
             Row{"a buffer of one word more", 60, 60, 40, 8, 40},
         }) {
        SCOPED_TRACE(row.sentence);
        Hold hold = hold_of(row.size);
        EXPECT_NE(append(hold, row.wanted, row.wire), Placed::kDropped);
        const ReadRecord record = only_record(hold);
        EXPECT_EQ(hold.held().size(), row.length);
        EXPECT_EQ(record.header.hdrlen, 32);
        EXPECT_EQ(record.header.caplen, row.caplen);
        EXPECT_EQ(record.header.datalen, row.wire);
        core::Bytes expected = core::counting(row.wire);
        expected.resize(row.caplen);
        EXPECT_EQ(record.packet, expected);
        EXPECT_EQ(record.padding, core::Bytes(record.padding.size(), 0));
    }
}

TEST(Hold, BD_57_pads_with_zeros_where_older_records_have_left_bytes) {
    Hold hold = hold_of(64);
    const core::Bytes ones(32, 0xff);
    pfild_record header{};
    header.caplen = 32;
    EXPECT_EQ(hold.append(header, pieces_of(ones)), Placed::kRotated);
    hold.release();
    EXPECT_EQ(hold.append(header, pieces_of(ones)), Placed::kRotated);
    hold.release(); // both buffers are full of 0xff now
    header.caplen = 1;
    EXPECT_EQ(hold.append(header, pieces_of(ones)), Placed::kStored);
    EXPECT_EQ(only_record(hold).padding, core::Bytes(7, 0));
}

TEST(Hold, BD_57_keeps_the_header_as_it_was_given) {
    Hold hold = hold_of(4096);
    const core::Bytes bytes = core::counting(4);
    EXPECT_EQ(hold.append({.seconds = -1,
                           .fraction = 999'999,
                           .caplen = 2,
                           .datalen = 70'000,
                           .hdrlen = 77,
                           .direction = PFILD_RECORD_OUT,
                           .pad = 0,
                           .ifindex = 0x01020304},
                          pieces_of(bytes)),
              Placed::kStored);
    const pfild_record header = only_record(hold).header;
    EXPECT_EQ(header.seconds, -1);
    EXPECT_EQ(header.fraction, 999'999);
    EXPECT_EQ(header.caplen, 2U);
    EXPECT_EQ(header.datalen, 70'000U);
    EXPECT_EQ(header.hdrlen, 32) << "is the hold's to say";
    EXPECT_EQ(header.direction, PFILD_RECORD_OUT);
    EXPECT_EQ(header.ifindex, 0x01020304U);
}

TEST(Hold, BD_57_joins_the_pieces_of_a_packet_wherever_they_are_cut) {
    const std::vector<std::vector<std::size_t>> cuts{{}, {1}, {0, 0, 5}, {30, 30}, {1, 1, 1, 1}, {59}, {60, 0}, {9, 0}};
    for (const auto& cut : cuts) {
        for (const std::uint32_t wanted : {0U, 1U, 9U, 31U, 59U, 60U}) {
            SCOPED_TRACE(testing::PrintToString(cut) + " of which " + std::to_string(wanted));
            Hold hold = hold_of(4096);
            EXPECT_EQ(append(hold, wanted, 60, cut), Placed::kStored);
            EXPECT_EQ(only_record(hold).packet, core::counting(wanted));
        }
    }
}

TEST(Hold, T8_to_T11_BD_55_BD_58_rotates_drops_and_keeps_by_what_fits) {
    struct Row {
        const char* sentence;
        std::uint32_t stored; ///< bytes in the store before
        bool held;            ///< the hold has a record before
        Placed placed;
        std::uint32_t stored_after;
        std::uint32_t held_after;
    };
    for (const Row& row : {
             Row{"it fits", 3992, false, Placed::kStored, 4088, 0},
             Row{"it fits, whatever is held", 3992, true, Placed::kStored, 4088, 64},
             Row{"T8 it fills the store exactly", 4000, false, Placed::kRotated, 0, 4096},
             Row{"T9 one word too little, nothing held", 4008, false, Placed::kRotated, 96, 4008},
             Row{"T10 one word too little, something held", 4008, true, Placed::kDropped, 4008, 64},
             Row{"T11 it fills the store exactly, something held", 4000, true, Placed::kStored, 4096, 64},
             Row{"a full store, something held", 4096, true, Placed::kDropped, 4096, 64},
         }) {
        SCOPED_TRACE(row.sentence);
        Hold hold = hold_of(4096);
        if (row.held) {
            append_record(hold, 64);
            hold.rotate();
        }
        append_record(hold, row.stored);
        ASSERT_EQ(hold.stored_bytes(), row.stored);
        EXPECT_EQ(append_record(hold, 96), row.placed);
        EXPECT_EQ(hold.stored_bytes(), row.stored_after);
        EXPECT_EQ(hold.held().size(), row.held_after);
    }
}

TEST(Hold, BD_53_a_cut_packet_rotates_a_store_that_has_anything_and_is_never_split) {
    Hold hold = hold_of(4096);
    append_record(hold, 96);
    EXPECT_EQ(append(hold, 65014, 65014), Placed::kRotated);
    EXPECT_EQ(hold.held().size(), 96U);
    EXPECT_EQ(hold.stored_bytes(), 4096U) << "it waits there, whole";
    EXPECT_EQ(append(hold, 65014, 65014), Placed::kDropped);
}

TEST(Hold, BD_21_BD_D1_a_full_store_is_readable_as_soon_as_the_hold_is_released) {
    Hold hold = hold_of(4096);
    append_record(hold, 96);
    append(hold, 65014, 65014); // 96 held, the store is exactly full
    hold.release();
    EXPECT_EQ(hold.held().size(), 4096U);
    EXPECT_EQ(hold.held_records(), 1U);
    EXPECT_EQ(hold.stored_bytes(), 0U);
    EXPECT_EQ(append_record(hold, 96), Placed::kStored);
}

TEST(Hold, BD_21_a_store_that_is_not_full_stays_when_the_hold_is_released) {
    Hold hold = hold_of(4096);
    append_record(hold, 96);
    hold.rotate();
    append_record(hold, 4088);
    hold.release();
    EXPECT_TRUE(hold.held().empty());
    EXPECT_EQ(hold.stored_bytes(), 4088U);
}

TEST(Hold, BD_61_counts_the_records_of_each_buffer) {
    Hold hold = hold_of(4096);
    for (int i = 0; i < 3; i++) {
        append_record(hold, 96);
    }
    EXPECT_EQ(hold.stored_records(), 3U);
    EXPECT_EQ(hold.held_records(), 0U);
    hold.rotate();
    append_record(hold, 96);
    EXPECT_EQ(hold.stored_records(), 1U);
    EXPECT_EQ(hold.held_records(), 3U);
    hold.release();
    EXPECT_EQ(hold.held_records(), 0U);
    hold.rotate();
    EXPECT_EQ(hold.held_records(), 1U);
    append_record(hold, 96);
    hold.flush();
    EXPECT_EQ(hold.held_records() + hold.stored_records(), 0U);
    EXPECT_EQ(hold.stored_bytes() + hold.held().size(), 0U);
}

TEST(Hold, BD_28_the_hold_is_older_than_the_store) {
    Hold hold = hold_of(64);
    std::uint8_t next_read = 0;
    for (std::uint8_t i = 0; i < 50; i++) {
        const core::Bytes packet(8, i); // one and a half records a buffer
        pfild_record header{};
        header.caplen = 8;
        ASSERT_NE(hold.append(header, pieces_of(packet)), Placed::kDropped);
        for (const ReadRecord& record : records_in(hold.held())) {
            EXPECT_EQ(record.packet[0], next_read++);
        }
        hold.release();
    }
    EXPECT_EQ(next_read, 49) << "the last one waits in the store";
}

TEST(Hold, that_is_lent_has_nothing_to_read_and_no_room) {
    Hold hold = hold_of(64);
    ASSERT_EQ(append_record(hold, 64), Placed::kRotated);
    const core::Bytes before(hold.held().begin(), hold.held().end());
    const std::uint8_t* const place = hold.held().data();
    hold.lend();
    EXPECT_TRUE(hold.held().empty());
    EXPECT_EQ(hold.held_records(), 0U);
    EXPECT_FALSE(hold.is_empty());
    EXPECT_EQ(append_record(hold, 40), Placed::kStored);
    EXPECT_FALSE(hold.follows_lent()) << "there is room for another";
    EXPECT_EQ(append_record(hold, 64), Placed::kDropped);
    EXPECT_TRUE(hold.follows_lent());
    EXPECT_TRUE(std::equal(before.begin(), before.end(), place)) << "its reader looks at it";
    hold.release();
    EXPECT_EQ(hold.held().size(), 40U) << "what came meanwhile, as no other packet may come";
}

TEST(Hold, that_comes_back_leaves_a_store_with_room_alone) {
    Hold hold = hold_of(64);
    ASSERT_EQ(append_record(hold, 64), Placed::kRotated);
    hold.lend();
    ASSERT_EQ(append_record(hold, 40), Placed::kStored);
    hold.release();
    EXPECT_TRUE(hold.is_empty());
    EXPECT_EQ(hold.stored_bytes(), 40U);
    EXPECT_FALSE(hold.lent());
}

} // namespace
} // namespace pfild::capture
