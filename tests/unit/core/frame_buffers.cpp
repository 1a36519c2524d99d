// SPDX-License-Identifier: BSD-2-Clause
// A frame: buffers with one owner.
#include <utility>

#include <gtest/gtest.h>

#include "tests/unit/core/buffers.h"

namespace pfild::core {
namespace {

TEST(Frame, without_buffers_is_empty) {
    const Frame frame;
    EXPECT_TRUE(frame.empty());
    EXPECT_EQ(frame.length(), 0U);
    EXPECT_EQ(frame.buffer_count(), 0U);
    EXPECT_TRUE(frame.head().empty());
    EXPECT_TRUE(bytes_of(frame).empty());
    Bytes out(1);
    EXPECT_FALSE(frame.copy_out(0, out));
}

TEST(Frame, gives_its_buffers_back_when_it_ends) {
    Buffers buffers(8);
    {
        const Frame frame = buffers.cut(counting(30), {10, 10});
        EXPECT_EQ(frame.buffer_count(), 3U);
        EXPECT_EQ(buffers.pool().counts().in_flight, 3U);
    }
    buffers.expect_all_free();
}

TEST(Frame, moves_its_ownership) {
    Buffers buffers(8);
    Frame first = buffers.cut(counting(30), {10});
    Frame second = std::move(first);
    EXPECT_TRUE(first.empty()); // NOLINT(bugprone-use-after-move): what a moved-from frame is, is the point
    EXPECT_EQ(bytes_of(second), counting(30));
    Frame third = buffers.frame(counting(5));
    third = std::move(second);
    EXPECT_EQ(bytes_of(third), counting(30));
    EXPECT_EQ(buffers.pool().counts().in_flight, 2U) << "assignment gave back what the target had";
    Frame& same = third;
    third = std::move(same);
    EXPECT_EQ(bytes_of(third), counting(30)) << "assigning a frame to itself does nothing";
    third.reset();
    third.reset();
    buffers.expect_all_free();
}

TEST(Frame, released_leaves_its_buffers_to_their_new_holder) {
    Buffers buffers(2);
    Frame frame = buffers.frame(counting(5));
    const BufferIndex buffer = frame.first();
    buffers.pool().hand(buffer, kFirstSocket);
    frame.release();
    EXPECT_TRUE(frame.empty());
    EXPECT_EQ(buffers.pool().counts().rings, 1U);
    EXPECT_TRUE(buffers.pool().restore(buffer, kFirstSocket));
    buffers.expect_all_free();
}

TEST(Frame, copy_of_spreads_over_as_many_buffers_as_needed) {
    Buffers buffers(8, 256);
    const Frame frame = Frame::copy_of(buffers.pool(), counting(600), 56); // 200 + 256 + 144
    EXPECT_EQ(frame.buffer_count(), 3U);
    EXPECT_EQ(frame.head().size(), 200U);
    EXPECT_EQ(frame.length(), 600U);
    EXPECT_EQ(bytes_of(frame), counting(600));
}

TEST(Frame, copy_of_nothing_is_one_buffer_with_no_bytes) {
    Buffers buffers(2);
    const Frame frame = buffers.frame({});
    EXPECT_FALSE(frame.empty());
    EXPECT_EQ(frame.length(), 0U);
}

TEST(Frame, copy_of_is_empty_and_keeps_nothing_when_the_pool_has_too_few) {
    Buffers buffers(2, 256);
    EXPECT_TRUE(Frame::copy_of(buffers.pool(), counting(600), 0).empty());
    buffers.expect_all_free();
    EXPECT_FALSE(Frame::copy_of(buffers.pool(), counting(512), 0).empty()) << "two are enough for this one";
    buffers.expect_all_free();
}

TEST(Frame, copy_of_is_empty_when_it_would_need_more_buffers_than_a_frame_has) {
    Buffers buffers(32, 64);
    EXPECT_TRUE(Frame::copy_of(buffers.pool(), counting(std::size_t{64} * kMaxFrameBuffers + 1), 0).empty());
    buffers.expect_all_free();
    EXPECT_FALSE(Frame::copy_of(buffers.pool(), counting(std::size_t{64} * kMaxFrameBuffers), 0).empty());
}

TEST(Frame, trims_and_grows_at_the_front_within_its_headroom) {
    Buffers buffers(2);
    Frame frame = Frame::copy_of(buffers.pool(), counting(20), 8);
    frame.trim_front(5);
    EXPECT_EQ(frame.length(), 15U);
    EXPECT_EQ(frame.head()[0], 5);
    EXPECT_TRUE(frame.grow_front(5));
    EXPECT_EQ(bytes_of(frame), counting(20)) << "trimmed bytes are still there";
    EXPECT_FALSE(frame.grow_front(9)) << "there are 8 bytes of headroom";
    EXPECT_EQ(frame.length(), 20U);
    EXPECT_TRUE(frame.grow_front(8));
    EXPECT_FALSE(frame.grow_front(1)) << "the headroom is used up";
    EXPECT_EQ(frame.length(), 28U);
    EXPECT_FALSE(Frame().grow_front(0)) << "an empty frame has no front";
}

TEST(Frame, copies_out_any_range_of_any_chain) {
    Buffers buffers(32);
    const Bytes bytes = counting(12);
    for (const std::vector<std::size_t>& sizes :
         {std::vector<std::size_t>{}, {1}, {4, 4}, {0, 5, 0, 0, 3}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}) {
        const Frame frame = buffers.cut(bytes, sizes);
        for (std::uint32_t from = 0; from <= 12; from++) {
            for (std::uint32_t to = from; to <= 12; to++) {
                Bytes out(to - from);
                ASSERT_TRUE(frame.copy_out(from, out));
                ASSERT_EQ(out, Bytes(bytes.begin() + from, bytes.begin() + to)) << from << " to " << to;
            }
            Bytes too_much(13 - from, 0xee);
            ASSERT_FALSE(frame.copy_out(from, too_much)) << from;
            ASSERT_EQ(too_much, Bytes(13 - from, 0xee)) << "out is unchanged on failure";
        }
        Bytes none;
        EXPECT_FALSE(frame.copy_out(13, none)) << "begins behind the end";
        EXPECT_FALSE(frame.copy_out(~0U, none)) << "begins far behind the end";
    }
}

} // namespace
} // namespace pfild::core
