// SPDX-License-Identifier: BSD-2-Clause
// Packets that a device is offered: what is counted, what is kept of them, and that every one is accounted for
// (contract 2.5).
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/capture/device.h"

namespace pfild::capture {
namespace {

using DevicePackets = DeviceTest;

TEST_F(DevicePackets, T1_to_T7_BD_50_to_BD_54_are_kept_as_far_as_the_filter_and_the_buffer_say) {
    struct Row {
        const char* sentence;
        std::uint32_t returned; ///< by the filter
        std::uint32_t wire;
        std::uint32_t size; ///< of a buffer
        std::uint32_t caplen;
        std::uint32_t length; ///< of the record; 0: none
    };
    constexpr std::uint32_t kAll = 0xffffffff;
    for (const Row& row : {
             Row{"T1 not wanted", 0, 60, 4096, 0, 0},
             Row{"T2 one byte", 1, 60, 4096, 1, 40},
             Row{"T3 eight bytes", 8, 60, 4096, 8, 40},
             Row{"T4 nine bytes", 9, 60, 4096, 9, 48},
             Row{"T5 all", kAll, 60, 4096, 60, 96},
             Row{"one byte less than all", 59, 60, 4096, 59, 96},
             Row{"exactly all", 60, 60, 4096, 60, 96},
             Row{"one byte more than there is", 61, 60, 4096, 60, 96},
             Row{"T6 more than the buffer", kAll, 65014, 4096, 4064, 4096},
             Row{"T7 no room for any byte", kAll, 60, 32, 0, 32},
             Row{"T7 the same, one byte wanted", 1, 60, 32, 0, 32},
             Row{"an empty packet is a packet", kAll, 0, 4096, 0, 32},
         }) {
        SCOPED_TRACE(row.sentence);
        ListClient client;
        Device device(Access::kRead, BufferSizes{.usual = row.size, .largest = row.size}, client);
        device.set_filter(returning(row.returned));
        ASSERT_TRUE(device.attach().has_value());
        device.offer(TestPacket(row.wire).tapped());
        EXPECT_EQ(device.stats().received, 1U);
        EXPECT_EQ(device.stats().captured, row.length != 0 ? 1U : 0U);
        EXPECT_EQ(device.stats().filtered, row.length != 0 ? 0U : 1U);
        EXPECT_EQ(device.stats().dropped, 0U);
        const auto result = device.read({.id = 1, .size = row.size, .nonblocking = true}, 0);
        if (row.length == 0) {
            EXPECT_EQ(result ? 0 : result.error().code, EAGAIN);
            continue;
        }
        ASSERT_EQ(client.answers.size(), 1U);
        EXPECT_EQ(client.answers[0].bytes.size(), row.length);
        const std::vector<ReadRecord> records = records_in(client.answers[0].bytes);
        ASSERT_EQ(records.size(), 1U);
        EXPECT_EQ(records[0].header.caplen, row.caplen);
        EXPECT_EQ(records[0].header.datalen, row.wire);
        EXPECT_EQ(records[0].packet, core::counting(row.caplen));
    }
}

TEST_F(DevicePackets, BD_51_without_a_filter_are_kept_whole) {
    attach();
    offer({32 + 1000});
    device_.set_filter(returning(0));
    offer({96});
    device_.replace_filter(std::nullopt);
    offer({96});
    EXPECT_EQ(device_.stats().received, 2U);
    expect_read(96);
}

TEST_F(DevicePackets, T8_to_T11_BD_54_BD_55_BD_58_are_dropped_only_when_neither_buffer_has_room) {
    struct Row {
        const char* sentence;
        bool held;
        std::uint32_t stored;
        bool dropped;
        std::vector<std::size_t> reads; ///< bytes of each read that follows
    };
    for (const Row& row : {
             Row{"T8 exactly full", false, 4000, false, {4096}},
             Row{"T9 does not fit, nothing held", false, 4008, false, {4008, 96}},
             Row{"T10 does not fit, something held", true, 4008, true, {4096, 4008}},
             Row{"T11 exactly full, something held", true, 4000, false, {4096, 4096}},
         }) {
        SCOPED_TRACE(row.sentence);
        ListClient client;
        Device device(Access::kRead, BufferSizes{.usual = kSize, .largest = kSize}, client);
        ASSERT_TRUE(device.attach().has_value());
        if (row.held) {
            device.offer(TestPacket(kSize).tapped());
        }
        device.offer(TestPacket(row.stored - 32).tapped());
        const DeviceCounts before = device.stats();
        device.offer(TestPacket(64).tapped());
        const DeviceCounts after = device.stats().since(before);
        EXPECT_EQ(after.received, 1U);
        EXPECT_EQ(after.captured, 1U) << "also when it is dropped";
        EXPECT_EQ(after.dropped, row.dropped ? 1U : 0U);
        for (const std::size_t bytes : row.reads) {
            ASSERT_TRUE(device.read({.id = 1, .size = kSize, .nonblocking = true}, 0).has_value());
            ASSERT_EQ(client.answers.back().bytes.size(), bytes);
        }
        EXPECT_EQ(device.read({.id = 1, .size = kSize, .nonblocking = true}, 0).error().code, EAGAIN);
        EXPECT_TRUE(device.lifetime().balanced(0));
    }
}

TEST_F(DevicePackets, BD_56_carry_the_time_in_microseconds_or_nanoseconds_rounded_down) {
    struct Row {
        const char* sentence;
        Precision precision;
        std::uint64_t realtime_ns;
        std::int64_t seconds;
        std::int64_t fraction;
    };
    for (const Row& row : {
             Row{"microseconds", Precision::kMicro, 1'700'000'000'123'456'789, 1'700'000'000, 123'456},
             Row{"nanoseconds", Precision::kNano, 1'700'000'000'123'456'789, 1'700'000'000, 123'456'789},
             Row{"the last moment of a second", Precision::kMicro, 5'999'999'999, 5, 999'999},
             Row{"the last nanosecond of a second", Precision::kNano, 5'999'999'999, 5, 999'999'999},
             Row{"after 2038", Precision::kMicro, 4'294'967'296'000'001'000, 4'294'967'296, 1},
         }) {
        SCOPED_TRACE(row.sentence);
        ListClient client;
        Device device(Access::kRead, BufferSizes{}, client);
        device.set_settings({.precision = row.precision});
        ASSERT_TRUE(device.attach().has_value());
        device.offer(TestPacket(60, {.realtime_ns = row.realtime_ns}).tapped());
        ASSERT_TRUE(device.read({.id = 1, .size = device.buffer_size(), .nonblocking = true}, 0).has_value());
        const ReadRecord record = records_in(client.answers.at(0).bytes).at(0);
        EXPECT_EQ(record.header.seconds, row.seconds);
        EXPECT_EQ(record.header.fraction, row.fraction);
    }
}

TEST_F(DevicePackets, tell_where_they_come_from_only_to_those_who_ask) {
    attach();
    set(&DeviceSettings::immediate);
    const TestPacket in(60, {.ifindex = 7, .direction = core::Direction::kIn});
    const TestPacket out(60, {.ifindex = 8, .direction = core::Direction::kOut});
    device_.offer(out.tapped());
    set(&DeviceSettings::origins);
    device_.offer(in.tapped());
    device_.offer(out.tapped());
    ASSERT_EQ(read(), 0);
    const std::vector<ReadRecord> records = records_in(client_.answers.at(0).bytes);
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[0].header.direction, PFILD_RECORD_NO_DIRECTION);
    EXPECT_EQ(records[0].header.ifindex, 0U);
    EXPECT_EQ(records[1].header.direction, PFILD_RECORD_IN);
    EXPECT_EQ(records[1].header.ifindex, 7U);
    EXPECT_EQ(records[2].header.direction, PFILD_RECORD_OUT);
    EXPECT_EQ(records[2].header.ifindex, 8U);
}

TEST_F(DevicePackets, BD_51_are_judged_by_bytes_of_every_piece) {
    attach();
    device_.set_filter(program_of({{0x28, 0, 0, 19}, {0x15, 0, 1, 0x1314}, {0x06, 0, 0, 24}, {0x06, 0, 0, 0}}));
    device_.offer(TestPacket(60).tapped()); // cut behind byte 20: the half-word lies over the cut
    EXPECT_EQ(device_.stats().captured, 1U);
    device_.offer(TestPacket(core::Bytes(60, 0)).tapped());
    EXPECT_EQ(device_.stats().filtered, 1U);
    expect_read(56);
}

TEST_F(DevicePackets, that_the_tap_cut_are_kept_as_far_as_they_go) {
    attach();
    device_.set_filter(returning(1000));
    device_.offer(TestPacket(100, {.wire_length = 1500}).tapped());
    ASSERT_EQ(read(1, true), 0);
    const ReadRecord record = records_in(client_.answers.at(0).bytes).at(0);
    EXPECT_EQ(record.header.caplen, 100U);
    EXPECT_EQ(record.header.datalen, 1500U);
    EXPECT_EQ(record.packet, core::counting(100));
}

TEST_F(DevicePackets, that_the_tap_cut_too_short_to_be_judged_are_lost) {
    attach();
    device_.set_filter(program_of({{0x30, 0, 0, 99}, {0x06, 0, 0, 10}})); // ldb [99]
    device_.offer(TestPacket(100, {.wire_length = 1500}).tapped());
    EXPECT_EQ(device_.stats().lost, 0U) << "just enough";
    device_.offer(TestPacket(99, {.wire_length = 1500}).tapped());
    EXPECT_EQ(device_.stats().lost, 1U);
    EXPECT_EQ(device_.stats().filtered, 0U) << "nobody knows";
    device_.offer(TestPacket(99).tapped());
    EXPECT_EQ(device_.stats().lost, 1U) << "nothing is missing of it";
    EXPECT_EQ(device_.stats().filtered, 1U);
}

TEST_F(DevicePackets, that_were_lost_count_as_received_captured_and_dropped) {
    attach();
    offer({96});
    device_.charge_lost(5);
    EXPECT_EQ(device_.stats(), (DeviceCounts{.received = 6, .captured = 6, .dropped = 5, .lost = 5}));
    EXPECT_EQ(device_.buffered(), 1U);
    device_.flush();
    EXPECT_EQ(device_.stats(), DeviceCounts{});
}

TEST_F(DevicePackets, had_better_wait_a_few_moments_for_a_reader_who_is_late) {
    constexpr int kMoments = 4;
    attach();
    offer({kSize / 2 + 8});
    EXPECT_FALSE(device_.pause()) << "nothing is to be read yet";
    offer({kSize / 2, kSize / 2 - 8}); // the first is in the hold now
    EXPECT_TRUE(device_.pause());
    expect_read(kSize / 2 + 8);
    EXPECT_FALSE(device_.pause()) << "he has come";
    offer({40, kSize / 2 - 40});
    EXPECT_FALSE(device_.pause()) << "half of the store is free";
    offer({40});
    for (int moment = 0; moment < kMoments; ++moment) {
        EXPECT_TRUE(device_.pause());
    }
    EXPECT_FALSE(device_.pause()) << "he has come too seldom to wait for";
    ASSERT_EQ(borrow(), 0);
    client_.answers.clear();
    EXPECT_TRUE(device_.pause()) << "a reader who looks at what he was lent is late as well";
}

TEST_F(DevicePackets, BD_61_are_all_accounted_for) {
    attach();
    // 42 records of 96 a buffer: two buffers full, five dropped
    offer(std::vector<std::uint32_t>(89, 96));
    device_.replace_filter(returning(0));
    offer({96, 96});
    expect_read(42UL * 96);
    EXPECT_EQ(device_.stats(),
              (DeviceCounts{.received = 91, .captured = 89, .filtered = 2, .delivered = 42, .dropped = 5}));
    EXPECT_EQ(device_.buffered(), 42U);
    EXPECT_TRUE(device_.stats().balanced(42));
    EXPECT_FALSE(device_.stats().balanced(41));
    device_.flush();
    EXPECT_EQ(device_.stats(), DeviceCounts{}) << "starts anew";
    EXPECT_EQ(
        device_.lifetime(),
        (DeviceCounts{.received = 91, .captured = 89, .filtered = 2, .delivered = 42, .dropped = 5, .flushed = 42}))
        << "does not";
}

} // namespace
} // namespace pfild::capture
