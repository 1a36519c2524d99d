// SPDX-License-Identifier: BSD-2-Clause
// JSON that anybody may have written.
#include "describe/json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pfild::describe {
namespace {

std::string why_not(std::string_view text) {
    const auto value = value_of_json(text);
    return value ? "" : value.error().why;
}

TEST(Json, comes_back_as_it_was) {
    for (const char* const text :
         {"null", "true", "0", "18446744073709551615", "-9223372036854775808", "0.25", R"("a\"\n\u0001é")", "[]", "{}",
          R"([1,[2,{"a":[]}]])", R"({"b":1,"a":{"c":null}})"}) {
        const auto value = value_of_json(text);
        ASSERT_TRUE(value) << text;
        EXPECT_EQ(json_line(*value), text);
        EXPECT_EQ(value_of_json(json_page(*value)).value(), *value) << text;
    }
}

TEST(Json, is_indented_for_people) {
    EXPECT_EQ(json_page(value_of_json(R"({"a":[1,2],"b":{},"c":[]})").value()),
              "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}");
}

TEST(Json, refuses_what_is_none) {
    for (const char* const text : {"", " ", "{", "[1,]", "{\"a\"}", "nul", "01", "1 2", "\"\xff\"", "\"\\ud800\"",
                                   "{a:1}", "'a'", "NaN", "\"a\nb\""}) {
        EXPECT_NE(why_not(text).find("it is not JSON in UTF-8, byte "), std::string::npos) << text;
    }
}

TEST(Json, refuses_a_key_that_is_there_twice) {
    EXPECT_EQ(why_not(R"([{"a":1,"b":{"a":1},"a":2}])"), "the key 'a' is there twice");
}

TEST(Json, refuses_what_is_nested_too_deep_however_deep_it_is) {
    EXPECT_EQ(why_not(std::string(32, '[') + std::string(32, ']')), "");
    EXPECT_EQ(why_not(std::string(33, '[') + std::string(33, ']')), "nested deeper than 32");
    EXPECT_EQ(why_not(std::string(10'000'000, '[')), "nested deeper than 32");
    std::string objects;
    for (int i = 0; i < 100'000; ++i) {
        objects += "{\"a\":";
    }
    EXPECT_EQ(why_not(objects), "nested deeper than 32");
}

TEST(Json, refuses_more_members_than_the_limit) {
    EXPECT_TRUE(value_of_json(R"({"a":1,"b":2})", {.members = 2}));
    EXPECT_FALSE(value_of_json(R"({"a":1,"b":2,"c":3})", {.members = 2}));
}

TEST(Json, writes_bytes_that_are_no_utf8_as_replacement_characters) {
    EXPECT_EQ(json_line(std::string("a\xff")), "\"a\xef\xbf\xbd\"");
}

} // namespace
} // namespace pfild::describe
