// SPDX-License-Identifier: BSD-2-Clause
// Every message of the control protocol: its description is complete, reads what it makes, and refuses what is broken.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "control/manual.h"
#include "control/verbs.h"
#include "describe/describe.h"
#include "describe/json.h"
#include "describe/manual.h"

namespace pfild::control {
namespace {

using describe::Shape;
using describe::Value;

std::set<const Shape*> all_shapes() {
    std::set<const Shape*> shapes;
    for (const Verb& verb : verbs()) {
        for (const Shape* const shape : {&verb.request(), &verb.answer()}) {
            shapes.insert(shape);
            const auto within = describe::shapes_within(*shape);
            shapes.insert(within.begin(), within.end());
        }
    }
    return shapes;
}

TEST(Described, every_object_and_field_has_a_name_of_its_own_and_a_sentence) {
    std::set<std::string_view> names;
    for (const Shape* const shape : all_shapes()) {
        EXPECT_FALSE(shape->name().empty());
        EXPECT_TRUE(names.insert(shape->name()).second) << shape->name();
        EXPECT_EQ(shape->sentence().back(), '.') << shape->name();
        for (const describe::Field& field : shape->fields()) {
            EXPECT_EQ(field.sentence.back(), '.') << shape->name() << ' ' << field.name;
        }
    }
}

TEST(Described, verbs_have_names_of_their_own_and_those_that_change_are_roots) {
    std::set<std::string_view> names;
    for (const Verb& verb : verbs()) {
        EXPECT_TRUE(names.insert(verb.name).second) << verb.name;
        EXPECT_FALSE(verb.sentence.empty());
        EXPECT_EQ(verb.changes, verb.who == Who::kRoot) << verb.name;
        EXPECT_EQ(find_verb(verb.name), &verb);
    }
    EXPECT_EQ(find_verb("nonsense"), nullptr);
}

/// A random value of the struct is read, written and read again the same; a broken one is not read.
template <typename T>
void expect_round_trips(describe::Dice& dice) {
    const Shape& shape = describe::shape_of<T>();
    for (int i = 0; i < 200; ++i) {
        const Value value = shape.any(dice);
        const auto read = describe::read<T>(value);
        ASSERT_TRUE(read) << shape.name() << ' ' << json_line(value) << read.error().front().path
                          << read.error().front().why;
        const auto again = describe::read<T>(describe::value_of_json(json_line(describe::write(*read))).value());
        ASSERT_TRUE(again && describe::same(*read, *again)) << shape.name();
        const Value broken = shape.broken(dice);
        ASSERT_FALSE(describe::read<T>(broken)) << shape.name() << ' ' << json_line(broken);
    }
}

TEST(Described, every_message_comes_back_as_it_was) {
    std::mt19937_64 generator(7); // NOLINT(*-msc51-cpp): the same ones each time
    describe::Dice dice([&generator] { return generator(); });
    expect_round_trips<AttachRequest>(dice);
    expect_round_trips<DetachRequest>(dice);
    expect_round_trips<ListRequest>(dice);
    expect_round_trips<HookAddRequest>(dice);
    expect_round_trips<HookRequest>(dice);
    expect_round_trips<LinkRequest>(dice);
    expect_round_trips<UnlinkRequest>(dice);
    expect_round_trips<FlowsRequest>(dice);
    expect_round_trips<VersionView>(dice);
    expect_round_trips<StatusView>(dice);
    expect_round_trips<HeadList>(dice);
    expect_round_trips<HookList>(dice);
    expect_round_trips<HookProgramView>(dice);
    expect_round_trips<StatsView>(dice);
    expect_round_trips<FlowsView>(dice);
    expect_round_trips<PeersView>(dice);
}

TEST(Described, schemas_are_json_and_one_a_message) {
    const auto files = schema_files();
    EXPECT_EQ(files.size(), 2 * verbs().size() + 1);
    for (const auto& [name, content] : files) {
        const auto schema = describe::value_of_json(content);
        ASSERT_TRUE(schema) << name;
        EXPECT_EQ(*schema->find("title"), Value(name.substr(0, name.size() - 5)));
    }
}

TEST(Described, made_parts_of_a_manual_replace_what_stood_there) {
    const std::string manual = "prose\n<!-- verbs: made of it -->\nold\n<!-- verbs: end -->\nmore\n";
    const std::string made = with_made_parts(manual);
    EXPECT_EQ(made, "prose\n<!-- verbs: made of it -->\n" + verb_table() + "<!-- verbs: end -->\nmore\n");
    EXPECT_EQ(with_made_parts(made), made);
    EXPECT_EQ(with_made_parts("prose\n"), "prose\n");
    EXPECT_NE(object_tables().find("### attach_request\n"), std::string::npos);
}

} // namespace
} // namespace pfild::control
