// SPDX-License-Identifier: BSD-2-Clause
// One owner for a descriptor: closed exactly once, by whoever has it last.
#include "daemon/sys/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace pfild::sys {
namespace {

int fresh() {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT_GE(fd, 0);
    return fd;
}

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

TEST(Fd, closes_what_it_holds_when_it_goes) {
    const int number = fresh();
    {
        const Fd fd(number);
        EXPECT_TRUE(is_open(fd.get()));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(Fd, holds_nothing_by_default_after_a_failed_call_and_after_a_move) {
    Fd fd;
    EXPECT_FALSE(fd.valid());
    EXPECT_FALSE(Fd(-1));
    EXPECT_EQ(Fd(-5).get(), -1);
    fd.reset(fresh());
    const Fd moved = std::move(fd);
    EXPECT_FALSE(fd.valid()); // NOLINT(bugprone-use-after-move): that is the question
    EXPECT_TRUE(is_open(moved.get()));
}

TEST(Fd, assignment_closes_the_old_one_and_self_assignment_keeps_it) {
    const int old_number = fresh();
    Fd fd(old_number);
    Fd other(fresh());
    const int number = other.get();
    fd = std::move(other);
    EXPECT_FALSE(is_open(old_number));
    Fd& same = fd;
    fd = std::move(same);
    EXPECT_EQ(fd.get(), number);
    EXPECT_TRUE(is_open(number));
    fd.reset(number);
    EXPECT_TRUE(is_open(number)) << "resetting to what is held keeps it open";
}

TEST(Fd, release_hands_over) {
    Fd fd(fresh());
    const int number = fd.release();
    EXPECT_FALSE(fd.valid());
    EXPECT_TRUE(is_open(number));
    ::close(number);
}

} // namespace
} // namespace pfild::sys
