// SPDX-License-Identifier: BSD-2-Clause
// Who may use which verb.
#include "control/rights.h"

#include <gtest/gtest.h>

#include <vector>

namespace pfild::control {
namespace {

const Verb& verb(std::string_view name) { return *find_verb(name); }

TEST(Rights, root_may_everything_readers_may_look_and_others_nothing) {
    const Peer root{.uid = 0, .owner = true};
    const Peer reader{.uid = 1000, .reader = true};
    const Peer other{.uid = 1001};
    for (const Verb& one : verbs()) {
        EXPECT_TRUE(may(root, one, {})) << one.name;
        EXPECT_EQ(may(reader, one, {}), !one.changes) << one.name;
        EXPECT_FALSE(may(other, one, {})) << one.name;
    }
    EXPECT_TRUE(may_anything(root, {}) && may_anything(reader, {}));
    EXPECT_FALSE(may_anything(other, {}));
}

TEST(Rights, a_user_may_what_the_configuration_gives_him_and_no_more) {
    const std::vector<Grant> grants{{1001, {"link", "unlink"}}, {1002, {"status"}}, {1001, {"stats"}}, {1003, {}}};
    const Peer user{.uid = 1001};
    EXPECT_TRUE(may(user, verb("link"), grants));
    EXPECT_TRUE(may(user, verb("stats"), grants));
    EXPECT_FALSE(may(user, verb("status"), grants)) << "that is another user's";
    EXPECT_FALSE(may(user, verb("hook-add"), grants));
    EXPECT_TRUE(may_anything(user, grants));
    EXPECT_FALSE(may_anything({.uid = 1003}, grants)) << "nothing is given to him";
    EXPECT_FALSE(may_anything({.uid = 1004}, grants));
}

} // namespace
} // namespace pfild::control
