// SPDX-License-Identifier: BSD-2-Clause
// A budget of time: what it allows, what it owes, and how it comes back.
#include "capture/work_budget.h"

#include <gtest/gtest.h>

namespace pfild::tests {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

TEST(WorkBudget, lasts_until_it_is_spent_and_comes_back_with_time) {
    capture::WorkBudget budget(100 * kMs);
    EXPECT_TRUE(budget.allows(1000 * kMs));
    budget.pay(60 * kMs);
    EXPECT_TRUE(budget.allows(1000 * kMs)) << "there is something left, so more may be begun";
    budget.pay(60 * kMs);
    EXPECT_FALSE(budget.allows(1000 * kMs));
    EXPECT_FALSE(budget.allows(1399 * kMs)) << "20 ms are owed, and 1 in 20 comes in";
    EXPECT_TRUE(budget.allows(1421 * kMs));
}

TEST(WorkBudget, is_never_more_than_it_was_at_first) {
    capture::WorkBudget budget(100 * kMs);
    EXPECT_TRUE(budget.allows(1));
    EXPECT_TRUE(budget.allows(1'000'000 * kMs));
    budget.pay(101 * kMs);
    EXPECT_FALSE(budget.allows(1'000'000 * kMs));
}

} // namespace
} // namespace pfild::tests
