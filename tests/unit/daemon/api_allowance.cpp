// SPDX-License-Identifier: BSD-2-Clause
// How much a user can ask in a second.
#include "daemon/api/allowance.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace pfild::api {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t kAlice = 1000;
constexpr std::uint32_t kBob = 1001;
const Allowance::Time kStart{std::chrono::hours(1)};

TEST(Allowance, is_so_many_requests_in_a_second_for_each_user) {
    Allowance allowance({.requests = 3, .bytes = 1000});
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(allowance.ask(kAlice, 1, kStart));
    }
    EXPECT_FALSE(allowance.rests_until(kAlice, kStart)) << "he has not asked too much yet";
    const auto refused = allowance.ask(kAlice, 1, kStart + milliseconds(500));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().line(), "request: user 1000 asks more than 3 times a second (wait a second)");
    EXPECT_EQ(refused.error().code, EBUSY);
    EXPECT_EQ(allowance.rests_until(kAlice, kStart + milliseconds(500)), kStart + milliseconds(1000));
    EXPECT_TRUE(allowance.ask(kBob, 1, kStart + milliseconds(500)));
    EXPECT_FALSE(allowance.rests_until(kAlice, kStart + milliseconds(1000)));
    EXPECT_TRUE(allowance.ask(kAlice, 1, kStart + milliseconds(1000))) << "the second is over";
}

TEST(Allowance, is_so_many_bytes_and_a_request_that_is_begun_is_answered_whole) {
    Allowance allowance({.requests = 100, .bytes = 1000});
    EXPECT_TRUE(allowance.ask(kAlice, 999, kStart));
    EXPECT_TRUE(allowance.ask(kAlice, 5000, kStart)) << "there was one byte left";
    const auto refused = allowance.ask(kAlice, 1, kStart);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().why, "user 1000 has had 5999 bytes in this second");
    EXPECT_TRUE(allowance.ask(kBob, 1, kStart));
    allowance.add(kBob, 1000, kStart);
    EXPECT_FALSE(allowance.ask(kBob, 1, kStart)) << "answers count";
    EXPECT_TRUE(allowance.ask(kBob, 1, kStart + milliseconds(1000)));
}

TEST(Allowance, is_told_in_the_log_once_a_minute_for_each_user) {
    Allowance allowance({});
    EXPECT_TRUE(allowance.worth_a_line(kAlice, kStart));
    EXPECT_TRUE(allowance.worth_a_line(kBob, kStart));
    for (int second = 1; second < 60; ++second) {
        EXPECT_FALSE(allowance.worth_a_line(kAlice, kStart + std::chrono::seconds(second))) << second;
    }
    EXPECT_TRUE(allowance.worth_a_line(kAlice, kStart + std::chrono::seconds(60)));
}

} // namespace
} // namespace pfild::api
