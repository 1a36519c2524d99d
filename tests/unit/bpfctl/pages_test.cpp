// SPDX-License-Identifier: BSD-2-Clause
// Lists that come in pages: what is asked, what is kept, and pages that lead nowhere.
#include "bpfctl/pages.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pfild::bpfctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A daemon with a page for each question, in this order.
struct Book {
    std::vector<std::string> pages;
    std::vector<std::string> questions;

    Outcome<Json> ask(const Json& arguments) {
        questions.push_back(compact(arguments));
        if (questions.size() > pages.size()) {
            return fail(Exit::kRefused, {"flows", "", "there are no more pages", "", ENOENT});
        }
        return Json::parse(pages[questions.size() - 1]);
    }
    Outcome<Json> read(const Wanted& wanted = {}) {
        Question question(Json{{"from", 0}, {"most", 2}});
        question.wanted = wanted;
        return ask_pages([this](const Json& arguments) { return ask(arguments); }, "flows", question);
    }
};

TEST(Pages, are_asked_for_until_next_is_null_and_come_out_as_one_list) {
    Book book{{R"({"flows": [1, 2], "next": 5})", R"({"flows": [], "next": 900})", R"({"flows": [3], "next": null})"}};
    const auto whole = book.read();
    ASSERT_TRUE(whole) << line_of(whole.error());
    EXPECT_EQ(compact(*whole), R"({"count":3,"flows":[1,2,3]})");
    EXPECT_THAT(book.questions,
                ElementsAre(R"({"from":0,"most":2})", R"({"from":5,"most":2})", R"({"from":900,"most":2})"));
}

TEST(Pages, keep_what_is_wanted_and_count_the_rest) {
    Book book{{R"({"flows": [1, 2], "next": 2})", R"({"flows": [3, 4], "next": null})"}};
    const auto whole = book.read([](const Json& item) { return Outcome<bool>(item.get<int>() % 2 == 0); });
    ASSERT_TRUE(whole);
    EXPECT_EQ(compact(*whole), R"({"count":4,"flows":[2,4]})");
}

TEST(Pages, without_a_list_are_empty) {
    for (const char* page : {"{}", R"({"flows": 5})", R"({"flows": {"a": 1}, "next": "x"})", R"({"next": -1})"}) {
        Book book{{page}};
        const auto whole = book.read();
        ASSERT_TRUE(whole) << page;
        EXPECT_EQ(compact(*whole), R"({"count":0,"flows":[]})") << page;
    }
}

TEST(Pages, that_do_not_lead_on_are_no_answer) {
    for (const char* second : {R"({"flows": [], "next": 5})", R"({"flows": [], "next": 4})", R"({"next": 0})"}) {
        Book book{{R"({"flows": [1], "next": 5})", second}};
        const auto whole = book.read();
        ASSERT_FALSE(whole) << second;
        EXPECT_EQ(whole.error().exit, Exit::kUnreachable);
        EXPECT_THAT(line_of(whole.error()), HasSubstr("its answer leads back to where it began"));
        EXPECT_EQ(book.questions.size(), 2U);
    }
}

TEST(Pages, end_with_the_first_refusal_of_the_daemon_or_of_the_question) {
    Book book{{R"({"flows": [1], "next": 5})"}};
    const auto refused = book.read();
    ASSERT_FALSE(refused);
    EXPECT_EQ(line_of(refused.error()), "bpfctl: flows: there are no more pages");

    Book other{{R"({"flows": [1], "next": 5})"}};
    const auto wrong = other.read([](const Json&) -> Outcome<bool> {
        return fail(Exit::kUnreachable, {"a", "", "b", "", EPROTO});
    });
    ASSERT_FALSE(wrong);
    EXPECT_EQ(line_of(wrong.error()), "bpfctl: a: b");
    EXPECT_EQ(other.questions.size(), 1U);
}

} // namespace
} // namespace pfild::bpfctl
