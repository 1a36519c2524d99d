// SPDX-License-Identifier: BSD-2-Clause
// Verbs that only look: the daemon has a row for each of the protocol, and takes and gives what the protocol says.
#include <algorithm>
#include <cerrno>

#include <gtest/gtest.h>

#include "control/verbs.h"
#include "daemon/instance/looks.h"

namespace pfild {
namespace {

/// Not those that go on: their first answer is a place in what the service keeps.
bool only_looks(const control::Verb& verb) { return !verb.changes && !verb.streams; }

TEST(Looks, each_verb_that_only_looks_has_one_of_the_same_request_and_answer) {
    for (const control::Verb& verb : control::verbs()) {
        const auto rows = looks();
        const auto found =
            std::find_if(rows.begin(), rows.end(), [&](const auto& look) { return look.verb == verb.name; });
        ASSERT_EQ(found != rows.end(), only_looks(verb)) << verb.name;
        if (only_looks(verb)) {
            EXPECT_EQ(found->request, &verb.request()) << verb.name;
            EXPECT_EQ(found->answer, &verb.answer()) << verb.name;
        }
    }
}

TEST(Looks, there_are_no_others) {
    for (const control::Look<Seen>& look : looks()) {
        EXPECT_NE(control::find_verb(look.verb), nullptr) << look.verb;
    }
}

TEST(Looks, what_no_row_shows_is_ENOSYS) {
    int seen = 0;
    const auto answer = control::look_at<int>({}, seen, "version", describe::Value::table());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ENOSYS);
}

} // namespace
} // namespace pfild
