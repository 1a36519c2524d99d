// SPDX-License-Identifier: BSD-2-Clause
// What poll(2) says of a device, and when it is told (contract 2.4).
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/capture/device.h"

namespace pfild::capture {
namespace {

using DevicePoll = DeviceTest;

constexpr Readiness kReadable{.readable = true};
constexpr Readiness kNothing{};
constexpr Readiness kGone{.readable = true, .hangup = true};

using Told = std::vector<Readiness>;

TEST_F(DevicePoll, BD_30_is_readable_by_state_mode_and_contents) {
    struct Row {
        const char* sentence;
        bool immediate;
        std::vector<std::uint32_t> records;
        Readiness expected;
    };
    for (const Row& row : {
             Row{"nothing there", false, {}, kNothing},
             Row{"nothing there in immediate mode", true, {}, kNothing},
             Row{"packets in the store", false, {96, 96}, kNothing},
             Row{"packets in the store in immediate mode", true, {96}, kReadable},
             Row{"a store that is one word short of full", false, {kSize - 8}, kNothing},
             Row{"a store that is exactly full", false, {kSize}, kReadable},
             Row{"packets in the hold", false, {kSize - 8, 96}, kReadable},
         }) {
        SCOPED_TRACE(row.sentence);
        ListClient client;
        Device device(Access::kRead, BufferSizes{.usual = kSize, .largest = kSize}, client);
        EXPECT_EQ(device.readiness(), kReadable) << "without an interface";
        ASSERT_TRUE(device.attach().has_value());
        device.set_settings({.immediate = row.immediate});
        for (const std::uint32_t length : row.records) {
            device.offer(TestPacket(length - 32).tapped());
        }
        EXPECT_EQ(device.readiness(), row.expected);
        device.orphan();
        EXPECT_EQ(device.readiness(), kGone);
    }
}

TEST_F(DevicePoll, BD_30_a_new_device_is_readable_until_it_has_an_interface) {
    device_.announce();
    EXPECT_EQ(client_.told, Told{}) << "the client knows";
    ASSERT_TRUE(device_.attach().has_value());
    device_.announce();
    EXPECT_EQ(client_.told, Told{kNothing});
}

TEST_F(DevicePoll, BD_34_asking_takes_nothing) {
    attach();
    offer({kSize});
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(device_.readiness(), kReadable);
        device_.announce();
    }
    expect_read(kSize);
}

TEST_F(DevicePoll, BD_35_is_told_once_when_a_buffer_is_full_and_once_when_it_was_read) {
    attach();
    offer({kSize - 8});
    EXPECT_EQ(client_.told, Told{}) << "BD-36";
    offer({96});
    offer({96});
    EXPECT_EQ(client_.told, Told{kReadable});
    expect_read(kSize - 8);
    EXPECT_EQ(client_.told, (Told{kReadable, kNothing}));
}

TEST_F(DevicePoll, BD_35_is_told_of_the_first_packet_of_a_batch_in_immediate_mode) {
    attach();
    set(&DeviceSettings::immediate);
    offer({96, 96, 96});
    EXPECT_EQ(client_.told, Told{kReadable});
    expect_read(288);
    EXPECT_EQ(client_.told, (Told{kReadable, kNothing}));
}

TEST_F(DevicePoll, BD_35_a_read_that_waits_comes_first_and_poll_hears_nothing) {
    attach();
    set(&DeviceSettings::immediate);
    EXPECT_EQ(read(1), 0);
    offer({96});
    expect_answer(1, 96);
    EXPECT_EQ(client_.told, Told{});
    offer({96});
    EXPECT_EQ(client_.told, Told{kReadable}) << "without a read that waits it does";
}

TEST_F(DevicePoll, BD_35_hears_of_what_a_waiting_read_has_left) {
    attach();
    EXPECT_EQ(read(1), 0);
    offer({96});
    device_.offer(TestPacket(65014).tapped());
    device_.announce();
    EXPECT_EQ(client_.told, Told{kReadable}) << "BD-D1";
}

TEST_F(DevicePoll, BD_33_BD_36_a_packet_alone_and_the_read_timeout_wake_nobody) {
    attach();
    ASSERT_TRUE(device_.set_read_timeout({.microseconds = 1}).has_value());
    offer({96});
    device_.expire(UINT64_MAX);
    device_.announce();
    EXPECT_EQ(client_.told, Told{});
    EXPECT_EQ(device_.deadline_ns(), std::nullopt);
}

TEST_F(DevicePoll, BD_38_options_that_change_are_evaluated_anew) {
    attach();
    offer({96});
    EXPECT_EQ(client_.told, Told{});
    set(&DeviceSettings::immediate);
    device_.announce();
    EXPECT_EQ(client_.told, Told{kReadable});
    set(&DeviceSettings::immediate, false);
    device_.announce();
    EXPECT_EQ(client_.told, (Told{kReadable, kNothing}));
}

TEST_F(DevicePoll, BD_38_a_flush_takes_readiness_away) {
    attach();
    offer({kSize});
    device_.flush();
    device_.announce();
    EXPECT_EQ(client_.told, (Told{kReadable, kNothing}));
}

TEST_F(DevicePoll, BD_90_is_readable_for_ever_when_the_interface_is_gone) {
    attach();
    offer({96});
    device_.orphan();
    device_.announce();
    EXPECT_EQ(client_.told, Told{kGone});
    expect_read(96);
    EXPECT_EQ(read(), EIO);
    device_.flush();
    device_.announce();
    EXPECT_EQ(client_.told, Told{kGone}) << "and stays so";
}

TEST_F(DevicePoll, FIONREAD_counts_what_a_read_would_get_or_all) {
    EXPECT_EQ(device_.readable_bytes(), 0U) << "without buffers";
    attach();
    offer({96});
    EXPECT_EQ(device_.readable_bytes(), 0U) << "a read would wait";
    set(&DeviceSettings::immediate);
    EXPECT_EQ(device_.readable_bytes(), 96U);
    offer({kSize - 88});
    EXPECT_EQ(device_.readable_bytes(), 96U) << "the hold goes first";
    be_freebsd();
    EXPECT_EQ(device_.readable_bytes(), kSize + 8U);
}

} // namespace
} // namespace pfild::capture
