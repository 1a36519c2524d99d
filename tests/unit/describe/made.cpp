// SPDX-License-Identifier: BSD-2-Clause
// What descriptions make by themselves: canonical text, random values, schemas, tables.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "describe/json.h"
#include "describe/manual.h"
#include "tests/unit/describe/wishes.h"

namespace pfild {
namespace {

using describe::Defaults;
using describe::Value;
using wishes::Wish;

TEST(Made, canonical_text_has_the_order_of_the_description) {
    Wish wish;
    wish.name = "w";
    wish.spare.name = "s";
    wish.program = {{6, 0, 0, 1}};
    wish.counters = {{"b", 2}, {"a", 1}};
    EXPECT_EQ(
        json_line(describe::write(wish)),
        R"({"name":"w","colour":"green","trim":null,"loud":false,"count":7,"weight":0.5,"note":null,"directions":[],)"
        R"("program":[[6,0,0,1]],"parts":[],"spare":{"name":"s","size":3,"parts":[]},"counters":{"a":1,"b":2},)"
        R"("named_parts":{}})");
    EXPECT_EQ(json_line(describe::write(wish, Defaults::kLeftOut)),
              R"({"name":"w","program":[[6,0,0,1]],"spare":{"name":"s"},"counters":{"a":1,"b":2}})");
}

TEST(Made, structs_are_the_same_when_all_fields_are) {
    Wish one;
    Wish other;
    EXPECT_TRUE(describe::same(one, other));
    other.spare.size = 4;
    EXPECT_FALSE(describe::same(one, other));
}

TEST(Made, random_values_are_read_and_come_back_the_same_and_broken_ones_are_refused) {
    std::mt19937_64 generator(1); // NOLINT(*-msc51-cpp): the same ones each time
    describe::Dice dice([&generator] { return generator(); });
    for (int i = 0; i < 1000; ++i) {
        const Value value = describe::shape_of<Wish>().any(dice);
        const auto wish = describe::read<Wish>(value);
        ASSERT_TRUE(wish) << json_line(value) << '\n' << wish.error().front().path << wish.error().front().why;
        for (const Defaults defaults : {Defaults::kWritten, Defaults::kLeftOut}) {
            const std::string text = json_line(describe::write(*wish, defaults));
            const auto again = describe::read<Wish>(describe::value_of_json(text).value());
            ASSERT_TRUE(again && describe::same(*wish, *again)) << text;
        }
        const Value broken = describe::shape_of<Wish>().broken(dice);
        ASSERT_FALSE(describe::read<Wish>(broken)) << json_line(broken);
    }
}

TEST(Made, a_word_of_a_command_line_becomes_a_value_of_the_field) {
    const describe::Shape& shape = describe::shape_of<Wish>();
    EXPECT_EQ(shape.field("count").type->of_word("12"), Value(12));
    EXPECT_EQ(shape.field("count").type->of_word("12x"), Value("12x"));
    EXPECT_EQ(shape.field("count").type->of_word("18446744073709551616"), Value("18446744073709551616"));
    EXPECT_EQ(shape.field("trim").type->of_word("red"), Value("red"));
    EXPECT_EQ(shape.field("trim").type->words().size(), 2U);
    EXPECT_EQ(shape.field("loud").type->of_word("true"), Value(true));
}

TEST(Made, schema_names_each_object_once_and_refers_to_it) {
    const Value schema = describe::schema_document(describe::shape_of<Wish>(), "wish");
    EXPECT_EQ(*schema.find("$schema"), Value("https://json-schema.org/draft/2020-12/schema"));
    EXPECT_EQ(json_line(*schema.find("required")), R"(["name"])");
    EXPECT_EQ(*schema.find("additionalProperties"), Value(false));
    const Value& count = *schema.find("properties")->find("count");
    EXPECT_EQ(json_line(count),
              R"({"type":"integer","minimum":1,"maximum":256,"description":"How many.","default":7})");
    EXPECT_EQ(*schema.find("properties")->find("spare")->find("$ref"), Value("#/$defs/part"));
    EXPECT_EQ(schema.find("$defs")->members()->size(), 1U);
}

TEST(Made, table_says_what_may_stand_in_a_field_and_what_it_is_otherwise) {
    const std::string table = describe::field_table(describe::shape_of<wishes::Part>());
    EXPECT_EQ(table, "| field | value | meaning |\n"
                     "| --- | --- | --- |\n"
                     "| `name` | text: 1 to 8 letters, digits, '-', '_' and '.' | How it is called. |\n"
                     "| `size` | a whole number from 1 to 9 (cm); otherwise `3` | How long it is. |\n"
                     "| `parts` | a list of at most 4, each `part`; otherwise `[]` | What it consists of. |\n");
}

TEST(Made, objects_within_an_object_are_found_once) {
    const auto found = describe::shapes_within(describe::shape_of<Wish>());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0]->name(), "part");
}

} // namespace
} // namespace pfild
