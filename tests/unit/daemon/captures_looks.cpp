// SPDX-License-Identifier: BSD-2-Clause
// When the ring is looked at.
#include <gtest/gtest.h>

#include "daemon/captures/looks.h"

namespace pfild::captures {
namespace {

constexpr std::uint32_t kRing = 16U << 20U;

TEST(Looks, are_none_until_a_packet_wakes_them_and_none_again_after_eight_that_found_nothing) {
    Looks looks(kRing);
    EXPECT_EQ(looks.period(), Looks::Period(0));
    looks.wake_up();
    for (unsigned empty = 1; empty <= Looks::kBeforeSleep; ++empty) {
        EXPECT_NE(looks.period(), Looks::Period(0)) << empty;
        looks.looked(0, false, false);
    }
    EXPECT_EQ(looks.period(), Looks::Period(0));
    looks.wake_up();
    EXPECT_EQ(looks.period(), Looks::kShortest);
    looks.looked(0, false, false);
    EXPECT_NE(looks.period(), Looks::Period(0)) << "the empty ones of before do not count";
}

TEST(Looks, are_rarer_while_few_packets_come_and_often_as_soon_as_many_do) {
    Looks looks(kRing);
    looks.wake_up();
    looks.looked(3, false, false);
    EXPECT_EQ(looks.period(), 2 * Looks::kShortest);
    for (int look = 0; look < 5; ++look) {
        looks.looked(3, false, false);
    }
    EXPECT_EQ(looks.period(), Looks::kLongest);
    looks.looked(Looks::kFew, false, false);
    EXPECT_EQ(looks.period(), Looks::kLongest) << "neither few nor many: as it is";
    looks.looked(Looks::kMany + 1, false, false);
    EXPECT_EQ(looks.period(), Looks::kShortest);
}

TEST(Looks, are_often_while_somebody_waits_for_single_packets_and_at_once_where_more_are_left) {
    Looks looks(kRing);
    looks.wake_up();
    looks.looked(1, false, true);
    EXPECT_EQ(looks.period(), Looks::kShortest);
    looks.looked(4096, true, false);
    EXPECT_EQ(looks.period(), Looks::kAtOnce);
    looks.looked(10, false, true);
    EXPECT_EQ(looks.period(), Looks::kShortest) << "no look every microsecond";
}

TEST(Looks, are_as_often_as_a_small_ring_needs_at_four_gigabytes_a_second) {
    Looks looks(2U << 20U);
    looks.wake_up();
    for (int look = 0; look < 5; ++look) {
        looks.looked(1, false, false);
    }
    EXPECT_EQ(looks.period(), Looks::Period((2U << 20U) / Looks::kFastest));
}

TEST(Looks, are_left_out_for_a_busy_reader_four_times_and_never_where_a_packet_is_waited_for) {
    Looks looks(kRing);
    looks.wake_up();
    EXPECT_FALSE(looks.may_pause(true));
    for (unsigned pause = 0; pause < Looks::kMostPauses; ++pause) {
        ASSERT_TRUE(looks.may_pause(false)) << pause;
        looks.paused();
        EXPECT_EQ(looks.period(), Looks::kShortest);
    }
    EXPECT_FALSE(looks.may_pause(false));
    looks.taken(); // somebody asked for a count
    EXPECT_TRUE(looks.may_pause(false));
}

} // namespace
} // namespace pfild::captures
