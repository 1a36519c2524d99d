// SPDX-License-Identifier: BSD-2-Clause
// The side thread: one piece of work after another, all of it done at its end.
#include "daemon/sys/side_thread.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace pfild::sys {
namespace {

TEST(SideThread, does_all_in_order_elsewhere_before_wait_returns) {
    std::vector<int> done;
    std::thread::id by;
    SideThread thread;
    for (int number = 0; number < 100; number++) {
        thread.run([&, number] {
            done.push_back(number);
            by = std::this_thread::get_id();
        });
    }
    thread.wait();
    ASSERT_EQ(done.size(), 100U);
    EXPECT_EQ(done.front(), 0);
    EXPECT_EQ(done.back(), 99);
    EXPECT_NE(by, std::this_thread::get_id());
}

TEST(SideThread, what_work_holds_is_gone_when_wait_returns) {
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = held;
    SideThread thread;
    thread.run([mine = std::move(held)] {});
    thread.wait();
    EXPECT_TRUE(seen.expired());
}

TEST(SideThread, does_what_was_given_to_it_before_it_ends) {
    int done = 0;
    {
        SideThread thread;
        for (int number = 0; number < 10; number++) {
            thread.run([&] { done++; });
        }
    }
    EXPECT_EQ(done, 10);
}

} // namespace
} // namespace pfild::sys
