// SPDX-License-Identifier: BSD-2-Clause
// read(2) on a device: when it is answered, with what, when it waits, and every way in which it ends (contract 2.3).
#include <cerrno>
#include <cstdint>

#include <gtest/gtest.h>

#include "tests/unit/capture/device.h"

namespace pfild::capture {
namespace {

using DeviceRead = DeviceTest;

// ---- what is refused

TEST_F(DeviceRead, BD_10_needs_an_interface) {
    EXPECT_EQ(read(), EINVAL);
    be_freebsd();
    EXPECT_EQ(read(), ENXIO);
    EXPECT_EQ(device_.read({.id = 1, .size = kSize + 1}, 0).error().code, EINVAL) << "there the size comes first";
    EXPECT_FALSE(device_.waits());
}

TEST_F(DeviceRead, BD_11_takes_exactly_a_buffer) {
    attach();
    offer({96});
    for (const std::uint32_t size : {0U, 32U, 96U, kSize - 1, kSize + 1, 2 * kSize}) {
        SCOPED_TRACE(size);
        const auto result = device_.read({.id = 1, .size = size, .nonblocking = true}, 0);
        EXPECT_EQ(result ? 0 : result.error().code, EINVAL);
    }
    expect_read(96);
}

TEST_F(DeviceRead, BD_05_BD_12_a_second_one_is_EIO_and_the_first_goes_on) {
    attach();
    EXPECT_EQ(read(1), 0);
    EXPECT_EQ(read(2), EIO);
    EXPECT_EQ(read(2, true), EIO);
    EXPECT_EQ(device_.read({.id = 2, .size = 1}, 0).error().code, EIO) << "comes before the size";
    expect_waiting();
    set(&DeviceSettings::immediate);
    offer({96});
    expect_answer(1, 96);
    EXPECT_EQ(read(2), 0) << "one after the other is fine";
}

TEST_F(DeviceRead, is_EBADF_on_a_device_that_was_opened_for_writing) {
    Device writer(Access::kWrite, BufferSizes{}, client_);
    ASSERT_TRUE(writer.attach().has_value());
    EXPECT_EQ(writer.read({.id = 1, .size = writer.buffer_size()}, 0).error().code, EBADF);
}

// ---- when it waits and when not

TEST_F(DeviceRead, BD_13_to_BD_16_waits_or_takes_by_mode_and_by_what_there_is) {
    struct Row {
        const char* sentence;
        bool immediate;
        bool nonblocking;
        std::uint32_t held;   ///< bytes before the read
        std::uint32_t stored; ///< bytes before the read
        int code;
        std::size_t taken; ///< 0 and no code: it waits
    };
    for (const Row& row : {
             Row{"BD-13 what is held is taken", false, false, 4008, 96, 0, 4008},
             Row{"BD-13 also in immediate mode, the store has to wait", true, false, 4008, 96, 0, 4008},
             Row{"BD-13 also when it must not wait", false, true, 4008, 96, 0, 4008},
             Row{"BD-14 nothing there", false, false, 0, 0, 0, 0},
             Row{"BD-14 waits although the store has packets", false, false, 0, 96, 0, 0},
             Row{"BD-15 immediate mode takes the store", true, false, 0, 96, 0, 96},
             Row{"BD-15 immediate mode waits for the first packet", true, false, 0, 0, 0, 0},
             Row{"BD-16 one that must not wait takes the store", false, true, 0, 96, 0, 96},
             Row{"BD-16 one that must not wait finds nothing", false, true, 0, 0, EAGAIN, 0},
             Row{"BD-16 the same in immediate mode", true, true, 0, 0, EAGAIN, 0},
         }) {
        SCOPED_TRACE(row.sentence);
        for (const bool by_setting : {false, true}) { // O_NONBLOCK of the device, or of the one read
            ListClient client;
            Device device(Access::kRead, BufferSizes{.usual = kSize, .largest = kSize}, client);
            ASSERT_TRUE(device.attach().has_value());
            for (const std::uint32_t record : {row.held, row.stored}) {
                if (record != 0) {
                    device.offer(TestPacket(record - 32).tapped());
                }
            }
            device.set_settings({.immediate = row.immediate, .nonblocking = row.nonblocking && by_setting});
            const auto result = device.read({.id = 7, .size = kSize, .nonblocking = row.nonblocking && !by_setting}, 0);
            EXPECT_EQ(result ? 0 : result.error().code, row.code);
            EXPECT_EQ(device.waits(), row.code == 0 && row.taken == 0);
            ASSERT_EQ(client.answers.size(), row.taken != 0 ? 1U : 0U);
            if (row.taken != 0) {
                EXPECT_EQ(client.answers[0].bytes.size(), row.taken);
            }
        }
    }
}

TEST_F(DeviceRead, BD_14_is_answered_by_the_packet_that_fills_the_buffer) {
    attach();
    EXPECT_EQ(read(), 0);
    offer({96, 96, 3904 - 8}); // 8 bytes are left
    expect_waiting();
    offer({40});
    expect_answer(1, kSize - 8);
    EXPECT_EQ(device_.buffered(), 1U);
}

TEST_F(DeviceRead, BD_15_in_immediate_mode_takes_a_batch_at_once) {
    attach();
    set(&DeviceSettings::immediate);
    EXPECT_EQ(read(), 0);
    for (int i = 0; i < 10; i++) {
        device_.offer(TestPacket(64).tapped());
        EXPECT_TRUE(client_.answers.empty()) << "before the batch ends";
    }
    device_.announce();
    expect_answer(1, 960);
}

TEST_F(DeviceRead, BD_28_T12_a_full_buffer_is_taken_inside_a_batch_so_that_none_is_dropped) {
    attach();
    EXPECT_EQ(read(), 0);
    for (int i = 0; i < 85; i++) { // 42 a buffer: one in the reader's hands, two here
        device_.offer(TestPacket(64).tapped());
    }
    EXPECT_EQ(client_.answers.size(), 1U);
    EXPECT_EQ(device_.lifetime().dropped, 0U);
    EXPECT_EQ(device_.lifetime().delivered, 42U);
}

// ---- time

TEST_F(DeviceRead, BD_17_to_BD_20_times_out_with_what_there_is) {
    struct Row {
        const char* sentence;
        bool immediate;
        Personality personality;
        std::uint32_t stored;
        int code;
        std::size_t taken;
    };
    for (const Row& row : {
             Row{"BD-17 the store", false, Personality::kMinix, 96, 0, 96},
             Row{"BD-18 nothing is EAGAIN", false, Personality::kMinix, 0, EAGAIN, 0},
             Row{"BD-18 nothing is 0 bytes elsewhere", false, Personality::kFreebsd, 0, 0, 0},
             Row{"BD-18 but only when there is nothing", false, Personality::kFreebsd, 96, 0, 96},
             Row{"BD-20 the timer runs in immediate mode", true, Personality::kMinix, 0, EAGAIN, 0},
         }) {
        SCOPED_TRACE(row.sentence);
        ListClient client;
        Device device(Access::kRead, BufferSizes{.usual = kSize, .largest = kSize}, client);
        ASSERT_TRUE(device.attach().has_value());
        device.set_settings({.immediate = row.immediate, .personality = row.personality});
        ASSERT_TRUE(device.set_read_timeout({.seconds = 0, .microseconds = 5'000}).has_value());
        ASSERT_TRUE(device.read({.id = 3, .size = kSize}, 100 * kMillisecond).has_value());
        if (row.stored != 0) {
            device.offer(TestPacket(row.stored - 32).tapped());
        }
        EXPECT_EQ(device.deadline_ns(0), 105 * kMillisecond);
        device.expire(105 * kMillisecond - 1);
        EXPECT_TRUE(client.answers.empty()) << "too early";
        device.expire(105 * kMillisecond);
        ASSERT_EQ(client.answers.size(), 1U);
        EXPECT_EQ(client.answers[0].read, 3U);
        EXPECT_EQ(client.answers[0].code, row.code);
        EXPECT_EQ(client.answers[0].bytes.size(), row.taken);
        EXPECT_FALSE(device.waits());
        EXPECT_EQ(device.deadline_ns(0), std::nullopt);
        device.expire(200 * kMillisecond);
        EXPECT_EQ(client.answers.size(), 1U) << "it ends once";
    }
}

TEST_F(DeviceRead, BD_19_waits_for_ever_without_a_timeout) {
    attach();
    offer({96});
    EXPECT_EQ(read(), 0);
    EXPECT_EQ(device_.deadline_ns(0), std::nullopt);
    device_.expire(UINT64_MAX);
    expect_waiting();
}

TEST_F(DeviceRead, BD_20_no_timer_runs_on_behind_a_read_that_was_answered) {
    attach();
    ASSERT_TRUE(device_.set_read_timeout({.seconds = 1}).has_value());
    set(&DeviceSettings::immediate);
    EXPECT_EQ(read(1), 0);
    offer({96});
    expect_answer(1, 96);
    EXPECT_EQ(device_.deadline_ns(0), std::nullopt);
    EXPECT_EQ(read(2, false, 1'000 * kMillisecond), 0);
    EXPECT_EQ(device_.deadline_ns(0), 2'000 * kMillisecond) << "counts from the second read";
}

// ---- the other ends

TEST_F(DeviceRead, BD_21_a_store_that_is_exactly_full_follows_at_once) {
    attach();
    offer({4008, 96, kSize - 96}); // 4008 held, the store exactly full (T11)
    EXPECT_EQ(read(1), 0);
    expect_answer(1, 4008);
    EXPECT_TRUE(device_.readiness().readable);
    EXPECT_EQ(read(2), 0) << "does not wait";
    expect_answer(2, kSize);
    EXPECT_EQ(read(3), 0);
    expect_waiting();
}

TEST_F(DeviceRead, BD_D1_T12_a_full_store_behind_a_reader_that_waited_follows_at_once) {
    attach();
    EXPECT_EQ(read(1), 0);
    offer({96});
    expect_waiting();
    device_.offer(TestPacket(65014).tapped()); // does not fit, and fills the fresh store alone
    device_.announce();
    expect_answer(1, 96);
    EXPECT_TRUE(device_.readiness().readable);
    EXPECT_EQ(read(2), 0);
    expect_answer(2, kSize);
    EXPECT_EQ(device_.lifetime().dropped, 0U);
}

TEST_F(DeviceRead, BD_22_ends_with_EINTR_and_loses_nothing) {
    attach();
    ASSERT_TRUE(device_.set_read_timeout({.seconds = 1}).has_value());
    EXPECT_EQ(read(1), 0);
    offer({96});
    EXPECT_FALSE(device_.cancel_read(2)) << "of another read";
    expect_waiting();
    EXPECT_TRUE(device_.cancel_read(1));
    expect_failure(1, EINTR);
    EXPECT_FALSE(device_.waits());
    EXPECT_EQ(device_.deadline_ns(0), std::nullopt);
    EXPECT_FALSE(device_.cancel_read(1));
    expect_read(96);
}

TEST_F(DeviceRead, BD_23_keeps_what_could_not_be_copied) {
    attach();
    offer({4008, 96});
    client_.faulty = true;
    EXPECT_EQ(read(1), 0);
    EXPECT_FALSE(device_.waits());
    EXPECT_EQ(device_.lifetime().delivered, 0U);
    client_.faulty = false;
    expect_read(4008);
    expect_read(96);
    EXPECT_EQ(device_.lifetime().delivered, 2U);
}

TEST_F(DeviceRead, BD_23_keeps_what_a_waiting_reader_could_not_be_given) {
    attach();
    EXPECT_EQ(read(1), 0);
    client_.faulty = true;
    offer({4008, 96});
    EXPECT_FALSE(device_.waits()) << "the read has ended";
    client_.faulty = false;
    offer({96});
    EXPECT_TRUE(client_.answers.empty());
    expect_read(4008);
    expect_read(192);
}

TEST_F(DeviceRead, BD_24_gets_the_hold_then_the_store_then_EIO_when_the_interface_is_gone) {
    attach();
    offer({4008, 96, 96});
    device_.orphan();
    EXPECT_EQ(read(1), 0);
    expect_answer(1, 4008);
    EXPECT_EQ(read(2), 0) << "blocking and not immediate, and yet";
    expect_answer(2, 192);
    EXPECT_EQ(read(3), EIO);
    EXPECT_EQ(read(3, true), EIO) << "not EAGAIN";
    be_freebsd();
    EXPECT_EQ(read(3), ENXIO);
}

TEST_F(DeviceRead, BD_24_gets_a_store_that_never_filled_up) {
    attach();
    offer({96});
    device_.orphan();
    EXPECT_EQ(read(1), 0);
    expect_answer(1, 96);
    EXPECT_EQ(read(2), EIO);
}

TEST_F(DeviceRead, BD_25_a_waiting_one_gets_what_there_is_when_the_interface_goes) {
    attach();
    EXPECT_EQ(read(1), 0);
    offer({96});
    expect_waiting();
    device_.orphan();
    expect_answer(1, 96);
    EXPECT_EQ(read(2), EIO);
}

TEST_F(DeviceRead, BD_25_a_waiting_one_gets_EIO_when_the_interface_goes_and_there_is_nothing) {
    attach();
    EXPECT_EQ(read(1), 0);
    device_.orphan();
    expect_failure(1, EIO);
    EXPECT_FALSE(device_.waits());
}

TEST_F(DeviceRead, BD_04_ends_with_EBADF_when_the_device_is_closed) {
    attach();
    EXPECT_EQ(read(1), 0);
    offer({96});
    device_.close();
    expect_failure(1, EBADF);
    EXPECT_EQ(device_.lifetime().flushed, 1U);
}

TEST_F(DeviceRead, BD_04_closing_without_one_tells_nobody) {
    attach();
    device_.close();
    EXPECT_TRUE(client_.answers.empty());
}

TEST_F(DeviceRead, BD_26_BD_27_returns_whole_words_and_never_nothing) {
    attach();
    set(&DeviceSettings::immediate);
    for (std::uint32_t length = 0; length < 70; length++) {
        device_.offer(TestPacket(length).tapped());
        ASSERT_EQ(read(length), 0);
        ASSERT_EQ(client_.answers.size(), 1U);
        EXPECT_EQ(client_.answers[0].bytes.size(), 32 + (length + 7) / 8 * 8);
        client_.answers.clear();
    }
}

TEST_F(DeviceRead, waits_on_over_a_flush_and_a_new_filter) {
    attach();
    EXPECT_EQ(read(1), 0);
    offer({96});
    device_.flush();
    device_.set_filter(returning(8));
    device_.announce();
    expect_waiting();
    set(&DeviceSettings::immediate);
    offer({96});
    expect_answer(1, 40);
}

TEST_F(DeviceRead, forbids_every_ioctl_while_it_waits) {
    attach();
    EXPECT_TRUE(device_.admit_ioctl().has_value());
    EXPECT_EQ(read(1), 0);
    EXPECT_EQ(device_.admit_ioctl().error().code, EIO);
    EXPECT_TRUE(device_.cancel_read(1));
    EXPECT_TRUE(device_.admit_ioctl().has_value());
}

TEST_F(DeviceRead, lends_the_records_until_the_next_one) {
    attach();
    offer({kSize, 400});
    ASSERT_EQ(borrow(), 0);
    expect_answer(9, kSize);
    EXPECT_EQ(device_.stats().delivered, 1U);
    EXPECT_EQ(device_.buffered(), 1U) << "what is lent is the reader's";
    EXPECT_FALSE(device_.readiness().readable);
    const core::Bytes lent(client_.lent.begin(), client_.lent.end());
    offer({kSize, 400});
    EXPECT_EQ(device_.stats().dropped, 1U) << "the first had no room";
    EXPECT_TRUE(std::equal(lent.begin(), lent.end(), client_.lent.begin()));
    EXPECT_TRUE(device_.readiness().readable) << "packets are lost unless he reads";
    ASSERT_EQ(borrow(), 0);
    expect_answer(9, 800);
    EXPECT_EQ(borrow(), EAGAIN);
    offer({400});
    ASSERT_EQ(borrow(), 0) << "given back by the read before, though there was nothing";
    expect_answer(9, 400);
}

TEST_F(DeviceRead, that_lends_may_be_followed_by_one_that_copies) {
    attach();
    offer({400});
    ASSERT_EQ(borrow(), 0);
    expect_answer(9, 400);
    offer({40, 48});
    expect_read(88);
}

TEST_F(DeviceRead, that_lends_finds_the_rest_when_the_interface_goes) {
    attach();
    offer({400});
    ASSERT_EQ(borrow(), 0);
    expect_answer(9, 400);
    offer({48});
    device_.orphan();
    EXPECT_TRUE(device_.readiness().readable);
    ASSERT_EQ(borrow(), 0);
    expect_answer(9, 48);
    EXPECT_EQ(borrow(), EIO);
}

TEST_F(DeviceRead, that_lends_is_over_with_a_flush) {
    attach();
    offer({400});
    ASSERT_EQ(borrow(), 0);
    device_.flush();
    EXPECT_EQ(device_.lifetime().flushed, 0U) << "it was delivered";
    client_.answers.clear();
    offer({kSize});
    expect_read(kSize);
}

} // namespace
} // namespace pfild::capture
