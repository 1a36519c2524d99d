// SPDX-License-Identifier: BSD-2-Clause
// What the counters of a lane say, second by second: lost a little, or going round.
#include <gtest/gtest.h>

#include "daemon/interfaces/lane_watch.h"

namespace pfild::interfaces {
namespace {

class LaneWatchTest : public ::testing::Test {
  protected:
    /// A second in which so many were sent on, came back, and were dropped for a part of the stamp.
    LaneWatch::Look second(std::uint64_t returned, std::uint64_t back, std::uint64_t part = 0, bool head = true) {
        counters_.count[PFILD_COUNT_RETURNED] += returned;
        counters_.count[PFILD_COUNT_REENTERED] += back;
        counters_.count[PFILD_COUNT_DROPPED_STAMP] += part;
        return watch_.look(counters_, head);
    }
    LaneWatch watch_;
    pfild_counters counters_{};
};

TEST_F(LaneWatchTest, what_comes_back_does_not_circle_however_much_it_is) {
    for (const std::uint64_t packets : {0U, 1U, 5'000U, 3'000'000U}) {
        EXPECT_FALSE(second(packets, packets).circles) << packets;
        EXPECT_FALSE(second(packets, 0, packets).circles) << packets << ", all dropped by the head";
    }
}

TEST_F(LaneWatchTest, a_full_backlog_and_packets_on_their_way_are_not_taken_for_it) {
    EXPECT_FALSE(second(1'000, 0).circles) << "few";
    EXPECT_FALSE(second(1'000'000, 900'000).circles) << "a tenth";
    EXPECT_FALSE(second(0, 101'000).circles) << "those of before";
}

TEST_F(LaneWatchTest, one_packet_that_circles_is_seen_alone_and_beside_others_until_some_time_after) {
    EXPECT_TRUE(second(4'096, 0).circles);
    EXPECT_TRUE(second(20, 0).circles) << "those that are ended";
    EXPECT_TRUE(second(10'000, 10'000).circles);
    EXPECT_TRUE(second(10'000, 10'000).circles);
    const LaneWatch::Look look = second(10'000, 10'000);
    EXPECT_TRUE(!look.circles && look.changed);
    EXPECT_TRUE(second(110'000, 10'000).circles) << "beside 10,000 others";
}

TEST_F(LaneWatchTest, without_a_head_nothing_can_come_back) {
    EXPECT_FALSE(second(100'000, 0, 0, false).circles);
    EXPECT_TRUE(second(100'000, 0).circles) << "the twin";
}

TEST_F(LaneWatchTest, changes_and_the_first_part_of_a_stamp_are_told_once) {
    EXPECT_TRUE(second(100'000, 0).changed);
    EXPECT_FALSE(second(100'000, 0).changed);
    EXPECT_FALSE(second(10, 10).first_part);
    EXPECT_TRUE(second(10, 9, 1).first_part);
    EXPECT_FALSE(second(10, 9, 1).first_part);
}

} // namespace
} // namespace pfild::interfaces
