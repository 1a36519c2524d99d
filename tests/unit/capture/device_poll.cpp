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
    EXPECT_EQ(device_.deadline_ns(0), std::nullopt);
}

class DeviceWait : public DeviceTest {
  protected:
    DeviceWait() {
        EXPECT_TRUE(device_.set_wait_timeout(ReadTimeout{.microseconds = 1000}).has_value());
        attach();
    }
    /// As the thread does after each batch.
    std::optional<std::uint64_t> pass(std::uint64_t now_ns) {
        device_.expire(now_ns);
        device_.announce();
        return device_.deadline_ns(now_ns);
    }
};

TEST_F(DeviceWait, BD_33_makes_a_device_readable_so_long_after_the_first_packet) {
    EXPECT_EQ(pass(0), std::nullopt) << "an empty store waits for nothing";
    offer({96});
    EXPECT_EQ(pass(5), 5 + kMillisecond);
    offer({96});
    EXPECT_EQ(pass(7), 5 + kMillisecond) << "of the first one";
    EXPECT_EQ(pass(4 + kMillisecond), 5 + kMillisecond);
    EXPECT_EQ(client_.told, Told{});
    EXPECT_EQ(pass(5 + kMillisecond), std::nullopt);
    EXPECT_EQ(client_.told, Told{kReadable});
    EXPECT_EQ(device_.readable_bytes(), 192U);
    EXPECT_EQ(read(1), 0);
    expect_answer(1, 192);
    EXPECT_EQ(client_.told, (Told{kReadable, kNothing}));
    offer({96});
    EXPECT_EQ(pass(2 * kMillisecond), 3 * kMillisecond) << "the next one waits anew";
    EXPECT_EQ(client_.told, (Told{kReadable, kNothing}));
}

TEST_F(DeviceWait, BD_33_ends_a_read_that_waits_before_the_read_time_out) {
    ASSERT_TRUE(device_.set_read_timeout({.seconds = 1}).has_value());
    EXPECT_EQ(read(1), 0);
    offer({96});
    expect_waiting();
    EXPECT_EQ(pass(0), kMillisecond);
    (void)pass(kMillisecond);
    expect_answer(1, 96);
    EXPECT_EQ(read(2), 0);
    EXPECT_EQ(pass(kMillisecond), 1000 * kMillisecond) << "that of the read alone";
    device_.close();
    expect_failure(2, EBADF);
}

TEST_F(DeviceWait, BD_33_begins_anew_where_the_store_became_the_hold_or_was_emptied) {
    offer({kSize - 8});
    EXPECT_EQ(pass(0), kMillisecond);
    offer({96});
    EXPECT_EQ(pass(10), 10 + kMillisecond) << "another store";
    expect_read(kSize - 8);
    (void)pass(10 + kMillisecond);
    EXPECT_EQ(device_.readiness(), kReadable);
    device_.flush();
    EXPECT_EQ(pass(20 + kMillisecond), std::nullopt);
    EXPECT_EQ(device_.readiness(), kNothing);
    offer({96});
    EXPECT_EQ(pass(2 * kMillisecond), 3 * kMillisecond);
}

TEST_F(DeviceWait, BD_33_follows_behind_a_hold_that_nobody_had_read) {
    offer({kSize - 8, 96});
    EXPECT_EQ(pass(0), kMillisecond);
    (void)pass(kMillisecond);
    expect_read(kSize - 8);
    EXPECT_EQ(device_.readiness(), kReadable) << "it was waited for meanwhile";
    expect_read(96);
}

TEST_F(DeviceWait, BD_33_ends_and_changes_at_once) {
    offer({96});
    EXPECT_EQ(pass(0), kMillisecond);
    ASSERT_TRUE(device_.set_wait_timeout(ReadTimeout{}).has_value());
    EXPECT_EQ(pass(10), 10) << "no time at all";
    (void)pass(10);
    EXPECT_EQ(device_.readiness(), kReadable);
    ASSERT_TRUE(device_.set_wait_timeout(std::nullopt).has_value());
    EXPECT_EQ(pass(20), std::nullopt);
    EXPECT_EQ(device_.readiness(), kNothing);
    EXPECT_EQ(device_.wait_timeout(), std::nullopt);
    for (const ReadTimeout bad : {ReadTimeout{.seconds = -1}, ReadTimeout{.microseconds = 1'000'000},
                                  ReadTimeout{.seconds = 300, .microseconds = 1}, ReadTimeout{.seconds = 301}}) {
        const auto refused = device_.set_wait_timeout(bad);
        ASSERT_FALSE(refused.has_value());
        EXPECT_EQ(refused.error().code, EINVAL);
    }
    EXPECT_EQ(device_.wait_timeout(), std::nullopt) << "as it was";
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
