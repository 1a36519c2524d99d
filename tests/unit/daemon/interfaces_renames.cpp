// SPDX-License-Identifier: BSD-2-Clause
// Names that change, are exchanged, or go round.
#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "daemon/interfaces/renames.h"

namespace pfild::interfaces {
namespace {

using Names = std::map<std::uint32_t, std::string>;

/// After all of the steps; fails where two have one name.
Names followed(Names names, const std::vector<Rename>& steps) {
    for (const Rename& step : steps) {
        const auto one =
            std::find_if(names.begin(), names.end(), [&](const auto& it) { return it.second == step.from; });
        EXPECT_NE(one, names.end()) << step.from;
        EXPECT_TRUE(std::none_of(names.begin(), names.end(), [&](const auto& it) { return it.second == step.to; }))
            << step.to << " is taken";
        if (one != names.end()) {
            one->second = step.to;
        }
    }
    return names;
}

TEST(Renames, of_names_that_stay_are_none) {
    EXPECT_TRUE(renames({}, {}).empty());
    EXPECT_TRUE(renames({{2, "eth0"}}, {{2, "eth0"}, {3, "eth1"}}).empty());
    EXPECT_TRUE(renames({{2, "eth0"}}, {}).empty()) << "it is gone";
}

TEST(Renames, go_by_a_name_that_no_interface_can_have) {
    EXPECT_EQ(renames({{2, "eth0"}}, {{2, "wan0"}}), (std::vector<Rename>{{"eth0", "/2"}, {"/2", "wan0"}}));
}

TEST(Renames, end_at_the_names_of_now_whatever_was_exchanged) {
    std::mt19937 random(7);
    for (int round = 0; round < 1000; ++round) {
        std::vector<std::string> names{"a", "b", "c", "d", "e", "f"};
        std::shuffle(names.begin(), names.end(), random);
        Names before;
        for (std::uint32_t ifindex = 2; ifindex < 6; ++ifindex) {
            before[ifindex] = names[ifindex];
        }
        std::shuffle(names.begin(), names.end(), random);
        Names now;
        for (std::uint32_t ifindex = 2; ifindex < 6; ++ifindex) {
            now[ifindex] = names[ifindex];
        }
        ASSERT_EQ(followed(before, renames(before, now)), now) << round;
    }
}

} // namespace
} // namespace pfild::interfaces
