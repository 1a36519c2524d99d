// SPDX-License-Identifier: BSD-2-Clause
// What a description reads, what it refuses, and what it says then.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "describe/json.h"
#include "tests/unit/describe/wishes.h"

namespace pfild {
namespace {

using describe::Manner;
using describe::Value;
using wishes::Wish;

Value json(std::string_view text) {
    auto value = describe::value_of_json(text);
    EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().why);
    return value ? *value : Value();
}

/// "path: why (advice)" of each mistake.
std::vector<std::string> mistakes(std::string_view text, Manner manner = {}) {
    std::vector<std::string> lines;
    const auto wish = describe::read<Wish>(json(text), manner);
    if (!wish) {
        for (const describe::Mistake& mistake : wish.error()) {
            lines.push_back(mistake.path + ": " + mistake.why +
                            (mistake.advice.empty() ? "" : " (" + mistake.advice + ')'));
        }
    }
    return lines;
}

using Lines = std::vector<std::string>;

TEST(Read, takes_every_kind_of_field) {
    const auto wish = describe::read<Wish>(json(R"({
        "name": "w", "colour": "red", "trim": "green", "loud": true, "count": 256, "weight": 2, "note": "a\tb",
        "directions": ["out"], "program": [[6, 0, 0, 65535]], "parts": [{"name": "p", "parts": [{"name": "q"}]}],
        "spare": {"name": "s", "size": 9}, "counters": {"x": 18446744073709551615},
        "named_parts": {"first": {"name": "f"}}})"));
    ASSERT_TRUE(wish) << wish.error().front().path;
    EXPECT_EQ(wish->name, "w");
    EXPECT_EQ(wish->colour, wishes::Colour::kRed);
    EXPECT_EQ(wish->trim, wishes::Colour::kGreen);
    EXPECT_TRUE(wish->loud);
    EXPECT_EQ(wish->count, 256U);
    EXPECT_EQ(wish->weight, 2.0);
    EXPECT_EQ(wish->note, "a\tb");
    EXPECT_EQ(wish->directions, core::Directions(false, true));
    EXPECT_EQ(wish->program, (std::vector<cbpf::Instruction>{{6, 0, 0, 65535}}));
    EXPECT_EQ(wish->parts.at(0).parts.at(0).name, "q");
    EXPECT_EQ(wish->spare.size, 9);
    EXPECT_EQ(wish->counters.at("x"), UINT64_MAX);
    EXPECT_EQ(wish->named_parts.at(0).second.name, "f");
}

TEST(Read, leaves_what_is_not_named_as_it_was) {
    const auto fresh = describe::read<Wish>(json(R"({"name": "w"})"));
    EXPECT_TRUE(fresh && fresh->colour == wishes::Colour::kGreen && fresh->count == 7 && !fresh->trim);
    Wish begun;
    begun.count = 99;
    begun.trim = wishes::Colour::kRed;
    const auto changed = describe::read<Wish>(json(R"({"name": "w", "trim": null})"), {}, begun);
    EXPECT_TRUE(changed && changed->count == 99 && !changed->trim);
}

TEST(Read, tells_all_mistakes_in_the_order_of_the_description) {
    EXPECT_EQ(mistakes(R"({"parts": [{"name": "p", "size": 10}, {}], "count": 0, "colour": "blue", "colur": 1})"),
              (Lines{"name: is missing", "colour: must be 'red' or 'green'",
                     "count: must be a whole number from 1 to 256", "parts[0].size: must be a whole number from 1 to 9",
                     "parts[1].name: is missing", "colur: is not known here (did you mean 'colour'?)"}));
}

TEST(Read, refuses_values_of_other_types_and_lengths) {
    struct Row {
        const char* field;
        const char* line;
    };
    const std::vector<Row> rows{
        {R"("loud": 1)", "loud: must be true or false"},
        {R"("count": 1.0)", "count: must be a whole number from 1 to 256"},
        {R"("count": -1)", "count: must be a whole number from 1 to 256"},
        {R"("count": 4294967297)", "count: must be a whole number from 1 to 256"},
        {R"("weight": -1)", "weight: must be a number from 0 to 2^53"},
        {R"("note": "a\u0001")", "note: must be 0 to 40 characters, of the control characters only tab and newline"},
        {R"("note": {})", "note: must be a string"},
        {R"("directions": ["in", "in"])", "directions: must have each once"},
        {R"("directions": ["up"])", "directions[0]: must be 'in' or 'out'"},
        {R"("program": [[6, 0, 0]])", "program[0]: must be [code, jt, jf, k]"},
        {R"("program": [[6, 256, 0, 0]])", "program[0][1]: must be a whole number from 0 to 255"},
        {R"("parts": {})", "parts: must be a list"},
        {R"("parts": [1])", "parts[0]: must be an object"},
        {R"("parts": [1, 2, 3, 4])", "parts: must have 0 to 3 items"},
        {R"("spare": {"name": "a b"})", "spare.name: must be 1 to 8 letters, digits, '-', '_' and '.'"},
        {R"("spare": null)", "spare: must be an object"},
        {R"("counters": {"x": "1"})", "counters.x: must be a whole number from 0 to 18446744073709551615"},
        {R"("counters": {"a b": 1})", "counters.a?b: must be 1 to 15 visible ASCII characters"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(mistakes(R"({"name": "w", )" + std::string(row.field) + '}'), Lines{row.line}) << row.field;
    }
}

TEST(Read, keeps_what_a_stranger_wrote_short_and_printable) {
    const Lines lines = mistakes(R"({"name": "w", ")" + std::string(100'000, 'x') + R"(\u001b": 1})");
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_LT(lines[0].size(), 400U);
    EXPECT_EQ(lines[0].find('\x1b'), std::string::npos);
}

TEST(Read, ignores_strangers_and_counts_from_one_when_told_so) {
    EXPECT_EQ(mistakes(R"({"name": "w", "new": 1, "spare": {"name": "s", "newer": 2}})",
                       {.strangers = Manner::Strangers::kIgnored}),
              Lines{});
    EXPECT_EQ(mistakes(R"({"name": "w", "parts": [{}]})", {.first_index = 1}), Lines{"parts[1].name: is missing"});
}

TEST(Read, tells_no_more_mistakes_than_asked_for_and_still_fails) {
    std::string text = R"({"name": "w")";
    for (int i = 0; i < 1000; ++i) {
        text += ", \"stranger" + std::to_string(i) + "\": 1";
    }
    EXPECT_EQ(mistakes(text + '}').size(), 64U);
    EXPECT_FALSE(describe::read<Wish>(json(text + '}'), {.most_mistakes = 0}));
}

TEST(Read, tells_the_place_of_a_value_that_has_one) {
    Value value = json(R"({"name": "w", "count": 0})");
    value.members()->at(1).value.place = {3, 9};
    const auto wish = describe::read<Wish>(value);
    ASSERT_FALSE(wish);
    EXPECT_EQ(wish.error().front().place.line, 3U);
    EXPECT_EQ(wish.error().front().place.column, 9U);
}

TEST(Read, advises_the_nearest_key_or_lists_all) {
    EXPECT_EQ(mistakes(R"({"name": "w", "spare": {"name": "s", "sise": 1}})"),
              Lines{"spare.sise: is not known here (did you mean 'size'?)"});
    EXPECT_EQ(mistakes(R"({"name": "w", "spare": {"name": "s", "velocity": 1}})"),
              Lines{"spare.velocity: is not known here (known: name, size, parts)"});
}

} // namespace
} // namespace pfild
