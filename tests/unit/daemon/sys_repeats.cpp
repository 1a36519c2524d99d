// SPDX-License-Identifier: BSD-2-Clause
// Errors that repeat.
#include "daemon/sys/repeats.h"

#include <string>

#include <gtest/gtest.h>

namespace pfild::sys {
namespace {

TEST(Repeats, are_said_once_and_counted_until_it_goes_well) {
    Repeats failed;
    EXPECT_EQ(failed.over(), 0);
    EXPECT_TRUE(failed.again("no room"));
    EXPECT_FALSE(failed.again("no room"));
    EXPECT_FALSE(failed.again("no room"));
    EXPECT_EQ(failed.over(), 3);
    EXPECT_EQ(failed.over(), 0);
    EXPECT_TRUE(failed.again("no room")) << "it is another time";
}

TEST(Repeats, of_another_kind_are_said_and_numbers_make_none) {
    Repeats failed;
    EXPECT_TRUE(failed.again("interface 12: no room"));
    EXPECT_FALSE(failed.again("interface 417: no room"));
    EXPECT_TRUE(failed.again("interface 12: no such device"));
    EXPECT_FALSE(failed.again("interface 13: no room")) << "nor if they take turns";
    EXPECT_EQ(failed.over(), 4);
}

TEST(Repeats, are_not_said_for_ever_whatever_they_are_called) {
    Repeats failed;
    int said = 0;
    for (int i = 0; i < 1000; i++) {
        said += failed.again(std::string(static_cast<std::size_t>(i), 'x')) ? 1 : 0;
    }
    EXPECT_EQ(said, 8);
    EXPECT_EQ(failed.over(), 1000);
}

} // namespace
} // namespace pfild::sys
