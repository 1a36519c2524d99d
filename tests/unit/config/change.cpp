// SPDX-License-Identifier: BSD-2-Clause
// Differences of models: what is done to get from one to another, and back.
#include "config/change.h"

#include <gtest/gtest.h>

#include "any_model.h"

namespace pfild::config {
namespace {

constexpr int kPairs = 1000;

Hook hook(const char* name, core::OnMatch on_match = core::OnMatch::kDrop) {
    return {.name = name, .on_match = on_match, .program = {{0x06, 0, 0, 1}}};
}

std::vector<std::string> lines(const Change& change) {
    std::vector<std::string> said;
    for (const Action& action : change) {
        said.push_back(line_of(action).value_or("nothing that runs"));
    }
    return said;
}

Link in_link(const char* hook, const char* head = "inet") {
    return {.hook = hook, .head = head, .directions = {true, false}};
}

TEST(Change, of_a_model_and_itself_is_empty) {
    test::AnyModel any(1);
    for (int i = 0; i < kPairs; ++i) {
        const Model model = any.next();
        EXPECT_TRUE(difference(model, model).empty());
    }
}

TEST(Change, leads_from_any_model_to_any_other_and_its_inverse_back) {
    test::AnyModel any(2);
    Model before = any.next();
    for (int i = 0; i < kPairs; ++i) {
        const Model after = any.next();
        ASSERT_TRUE(flaws(after).empty()) << flaws(after).front().reason;
        const Change change = difference(before, after);
        Model model = before;
        apply_to(model, change);
        ASSERT_EQ(model, after);
        apply_to(model, inverse(change));
        ASSERT_EQ(model, before);
        before = after;
    }
}

TEST(Change, leaves_out_what_both_models_have) {
    test::AnyModel any(3);
    Model before = any.next();
    before.hooks.push_back(hook("z:one"));
    Model after = before;
    after.hooks.back().on_match = core::OnMatch::kCount;
    EXPECT_EQ(lines(difference(before, after)), std::vector<std::string>{"hook z:one: changed"});
}

TEST(Change, of_a_hook_that_becomes_another_keeps_its_links) {
    Model before{.hooks = {hook("a:a"), hook("a:b")}, .links = {in_link("a:a"), in_link("a:b")}};
    Model after = before;
    after.hooks[0].on_match = core::OnMatch::kPass;
    EXPECT_EQ(lines(difference(before, after)), std::vector<std::string>{"hook a:a: changed"});
}

TEST(Change, of_the_order_of_links_is_one_action_for_a_head) {
    Model before{.hooks = {hook("a:a"), hook("a:b"), hook("a:c")},
                 .links = {in_link("a:a"), in_link("a:b"), in_link("a:c")}};
    Model after = before;
    std::swap(after.links[0], after.links[2]);
    EXPECT_EQ(lines(difference(before, after)),
              std::vector<std::string>{"links of inet: in a:c a:b a:a -> a:a a:b a:c"});
}

TEST(Change, of_owners_alone_is_recorded_and_says_nothing) {
    Model before{.interfaces = {{.name = "eth0"}}, .hooks = {hook("a:a")}, .links = {in_link("a:a")}};
    Model after = before;
    after.interfaces[0].owner = after.hooks[0].owner = after.links[0].owner = Owner::kBpfctl;
    EXPECT_EQ(lines(difference(before, after)), std::vector<std::string>(3, "nothing that runs"));
}

TEST(Change, that_disables_a_hook_says_so_and_is_told_from_one_that_makes_it_another) {
    const Model before{.hooks = {hook("a:a"), hook("a:b")}};
    Model after = before;
    after.hooks[0].enabled = false;
    after.hooks[0].owner = Owner::kBpfctl;
    after.hooks[1].enabled = false;
    after.hooks[1].on_match = core::OnMatch::kCount;
    EXPECT_EQ(lines(difference(before, after)), (std::vector<std::string>{"hook a:a: disabled", "hook a:b: changed"}));
    EXPECT_EQ(lines(difference(after, before)), (std::vector<std::string>{"hook a:a: enabled", "hook a:b: changed"}));
}

TEST(Change, of_peers_names_each_of_them) {
    Model before{.peers = {{"alice", 1000, {"status"}}, {"bob", 1001, {"status"}}, {"eve", 1002, {"status"}}}};
    Model after{
        .peers = {{"alice", 1000, {"status", "attach"}}, {"carl", 1003, {"status"}}, {"eve", 1002, {"status"}}}};
    EXPECT_EQ(lines(difference(before, after)),
              (std::vector<std::string>{"peer alice: changed", "peer bob: removed", "peer carl: added"}));
}

TEST(Change, takes_interfaces_off_before_rules_go_and_puts_them_on_when_rules_are_there) {
    Model before{.interfaces = {{.name = "eth0"}, {.name = "eth1"}}, .hooks = {hook("a:a")}, .links = {in_link("a:a")}};
    Model after{.interfaces = {{.name = "eth1", .unknown = core::FailMode::kDrop}, {.name = "eth2"}},
                .hooks = {hook("a:b")},
                .links = {in_link("a:b")}};
    EXPECT_EQ(
        lines(difference(before, after)),
        (std::vector<std::string>{"interface eth0: removed", "hook a:a: removed", "hook a:b: added",
                                  "links of inet: in a:a -> a:b", "interface eth1: changed", "interface eth2: added"}));
}

TEST(RunOrder, is_nearest_the_wire_first_in_and_last_out_and_the_other_way_with_append) {
    std::vector<Link> links;
    for (const char* name : {"a:1", "a:2"}) {
        links.push_back({.hook = name, .head = "inet", .directions = core::Directions::both()});
    }
    links.push_back({.hook = "a:3", .head = "inet", .directions = core::Directions::both(), .append = true});
    EXPECT_EQ(run_order(links, core::Direction::kIn), (std::vector<std::string>{"a:2", "a:1", "a:3"}));
    EXPECT_EQ(run_order(links, core::Direction::kOut), (std::vector<std::string>{"a:3", "a:1", "a:2"}));
}

TEST(NeedsRestart, names_each_setting_that_stays) {
    Settings now;
    Settings then;
    then.buffers = 65536;
    then.log_level = LogLevel::kDebug;
    then.fragments = core::Fragments::kDrop;
    EXPECT_EQ(needs_restart(now, then),
              (std::vector<std::string>{"buffers: 32768 stays in force, 65536 needs a restart",
                                        "fragments: pass stays in force, drop needs a restart"}));
    EXPECT_TRUE(needs_restart(now, now).empty());
}

} // namespace
} // namespace pfild::config
