// SPDX-License-Identifier: BSD-2-Clause
// The ring of deeds, and those who follow it at their own pace.
#include "control/deeds.h"

#include <gtest/gtest.h>

namespace pfild::control {
namespace {

void add(Deeds& deeds, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        DeedView change;
        change.verb = "link";
        deeds.add(std::move(change));
    }
}

TEST(Deeds, are_followed_from_the_moment_of_asking_on) {
    Deeds deeds;
    add(deeds, 5);
    std::uint64_t place = deeds.begin().number;
    EXPECT_FALSE(deeds.after(place));
    add(deeds, 2);
    for (const std::uint64_t number : {6U, 7U}) {
        const auto change = deeds.after(place);
        ASSERT_TRUE(change);
        EXPECT_EQ(change->number, number);
        EXPECT_EQ(change->missed, 0U);
    }
    EXPECT_FALSE(deeds.after(place));
}

TEST(Deeds, that_a_slow_follower_has_missed_are_counted) {
    Deeds deeds;
    std::uint64_t place = 0;
    add(deeds, Deeds::kKept);
    std::uint64_t second = place;
    EXPECT_EQ(deeds.after(second)->missed, 0U) << "as many as are kept";
    add(deeds, 10);
    const auto change = deeds.after(place);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->missed, 10U);
    EXPECT_EQ(change->number, 11U);
    std::uint64_t seen = 1;
    while (const auto next = deeds.after(place)) {
        EXPECT_EQ(next->missed, 0U);
        ++seen;
    }
    EXPECT_EQ(seen, Deeds::kKept);
}

TEST(Deeds, call_who_wants_to_know_of_them) {
    Deeds deeds;
    int told = 0;
    deeds.on_add([&] { ++told; });
    add(deeds, 3);
    EXPECT_EQ(told, 3);
}

} // namespace
} // namespace pfild::control
