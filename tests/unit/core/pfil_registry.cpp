// SPDX-License-Identifier: BSD-2-Clause
// Heads, hooks and links: what is accepted, what is refused with which errno, and that a refusal changes nothing.
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/core/test_hooks.h"

namespace pfild::core {
namespace {

using PfilHeads = RegistryTest;
using PfilHooks = RegistryTest;
using PfilLinks = RegistryTest;
using PfilLists = RegistryTest;

const std::string kLongest(kMaxNameLength, 'n');
const std::string kTooLong(kMaxNameLength + 1, 'n');

// ---- heads

TEST(PfilHeadType, PF_06_says_which_link_type_its_packets_have) {
    EXPECT_EQ(dlt(HeadType::kInet), 12);
    EXPECT_EQ(dlt(HeadType::kInet6), 12);
    EXPECT_EQ(dlt(HeadType::kEthernet), 1);
    EXPECT_EQ(dlt_name(HeadType::kInet6), "RAW");
    EXPECT_EQ(dlt_name(HeadType::kEthernet), "EN10MB");
}

TEST(PfilHeadType, PF_01_is_found_by_name_and_by_family_and_link_type) {
    for (const HeadType type : kEachHeadType) {
        EXPECT_EQ(head_type_named(name(type)), type);
    }
    EXPECT_EQ(head_type_named("inet4"), std::nullopt);
    EXPECT_EQ(head_type_named(""), std::nullopt);
    EXPECT_EQ(head_type_of(Family::kInet, kDltRaw), HeadType::kInet);
    EXPECT_EQ(head_type_of(Family::kInet6, kDltRaw), HeadType::kInet6);
    EXPECT_EQ(head_type_of(Family::kOther, kDltEthernet), HeadType::kEthernet);
    EXPECT_EQ(head_type_of(Family::kInet, kDltEthernet), std::nullopt) << "no head shows IPv4 behind a link header";
    EXPECT_EQ(head_type_of(Family::kOther, kDltRaw), std::nullopt);
}

TEST_F(PfilHeads, PF_01_are_found_by_name_and_by_key_and_never_created_by_looking) {
    EXPECT_EQ(registry_.find_head("inet6")->type, HeadType::kInet6);
    EXPECT_EQ(registry_.find_head(HeadKey{HeadType::kInet, {}})->name, "inet");
    EXPECT_EQ(registry_.find_head(HeadKey{HeadType::kEthernet, {}})->name, "ethernet");
    EXPECT_EQ(registry_.find_head(HeadKey{HeadType::kEthernet, kSlot})->name, "eth0");
    EXPECT_FALSE(registry_.find_head("eth1").has_value());
    EXPECT_FALSE(registry_.find_head(HeadKey{HeadType::kEthernet, kSlot + 1}).has_value());
    EXPECT_EQ(registry_.heads().size(), 4U);
}

TEST_F(PfilHeads, PF_02_are_registered_once_by_name_and_by_filtering_point) {
    struct Row {
        const char* sentence;
        HeadSpec spec;
    };
    for (const Row& row : {
             Row{"the name is taken", {.name = "inet", .type = HeadType::kEthernet, .slot = 9}},
             Row{"there is an inet head", {.name = "inet-again", .type = HeadType::kInet}},
             Row{"there is an ethernet head", {.name = "link", .type = HeadType::kEthernet}},
             Row{"the slot has a head", {.name = "eth1", .type = HeadType::kEthernet, .slot = kSlot}},
         }) {
        SCOPED_TRACE(row.sentence);
        expect_errno(registry_.register_head(row.spec), EEXIST);
        EXPECT_EQ(registry_.heads().size(), 4U);
    }
    expect_ok(registry_.register_head({.name = "eth1", .type = HeadType::kEthernet, .slot = kSlot + 1}));
}

TEST_F(PfilHeads, PF_01_have_names_of_1_to_63_visible_ascii_characters) {
    std::uint8_t slot = 10;
    for (const std::string& good : {std::string("e"), std::string("eth0.100@x/~!"), kLongest}) {
        SCOPED_TRACE(good);
        expect_ok(registry_.register_head({.name = good, .type = HeadType::kEthernet, .slot = slot++}));
    }
    for (const std::string& bad : {std::string(), kTooLong, std::string("a b"), std::string("a\n"), std::string("\x7f"),
                                   std::string("\xc3\xa4"), std::string("a\0b", 3)}) {
        SCOPED_TRACE(bad);
        expect_errno(registry_.register_head({.name = bad, .type = HeadType::kEthernet, .slot = slot}), EINVAL);
    }
}

TEST_F(PfilHeads, refuse_a_slot_or_a_direction_that_makes_no_sense) {
    struct Row {
        const char* sentence;
        HeadSpec spec;
        int code;
    };
    for (const Row& row : {
             Row{"the last slot", {.name = "a", .type = HeadType::kEthernet, .slot = 63}, 0},
             Row{"behind the last slot", {.name = "b", .type = HeadType::kEthernet, .slot = 64}, EINVAL},
             Row{"an interface's head of type inet", {.name = "c", .type = HeadType::kInet, .slot = 5}, EINVAL},
             Row{"no direction", {.name = "d", .type = HeadType::kEthernet, .directions = kNowhere, .slot = 6}, EINVAL},
             Row{"one direction", {.name = "e", .type = HeadType::kEthernet, .directions = kOut, .slot = 7}, 0},
         }) {
        SCOPED_TRACE(row.sentence);
        const auto result = registry_.register_head(row.spec);
        EXPECT_EQ(result ? 0 : result.error().code, row.code);
    }
}

TEST_F(PfilHeads, PF_03_die_with_their_links_while_hooks_live_on) {
    add("t:a", HeadType::kEthernet);
    expect_ok(link("t:a", "eth0", kBoth));
    expect_ok(link("t:a", "ethernet", kIn));
    expect_ok(registry_.unregister_head("eth0"));
    EXPECT_FALSE(registry_.find_head("eth0").has_value());
    EXPECT_TRUE(publisher_.snapshot().run_order(kSlot, Direction::kIn).empty());
    EXPECT_EQ(registry_.find_hook("t:a")->links, (std::vector<HookLink>{{"ethernet", Direction::kIn}}));
    expect_order("ethernet", Direction::kIn, {"t:a"});
    expect_errno(registry_.unregister_head("eth0"), ENOENT);
    expect_ok(registry_.register_head({.name = "eth0", .type = HeadType::kEthernet, .slot = kSlot}));
    expect_order("eth0", Direction::kIn, {});
}

TEST_F(PfilHeads, are_renamed_with_their_links) {
    add("t:a", HeadType::kEthernet);
    expect_ok(link("t:a", "eth0", kBoth));
    expect_ok(registry_.rename_head("eth0", "lan0"));
    expect_order("lan0", Direction::kIn, {"t:a"});
    EXPECT_EQ(registry_.find_hook("t:a")->links[0].head, "lan0");
    expect_errno(registry_.rename_head("eth0", "lan1"), ENOENT);
    expect_errno(registry_.rename_head("lan0", "inet"), EEXIST);
    expect_errno(registry_.rename_head("lan0", "two words"), EINVAL);
    expect_ok(registry_.rename_head("lan0", "lan0"));
    expect_order("lan0", Direction::kOut, {"t:a"});
}

// ---- hooks

TEST_F(PfilHooks, PF_31_are_named_module_colon_name) {
    for (const std::string& good : {std::string("cbpf:a"), std::string("ipfw:default-link"), std::string("m:r:s"),
                                    kLongest + ":a", "a:" + kLongest}) {
        SCOPED_TRACE(good);
        expect_ok(registry_.add_hook(hook(good, HeadType::kInet)));
    }
    for (const std::string& bad :
         {std::string(), std::string("cbpf"), std::string(":"), std::string("cbpf:"), std::string(":a"),
          std::string("cb pf:a"), std::string("cbpf:a b"), std::string("cbpf:a\n"), std::string("cbpf:\xc3\xa4"),
          kTooLong + ":a", "a:" + kTooLong}) {
        SCOPED_TRACE(bad);
        expect_errno(registry_.add_hook(hook(bad, HeadType::kInet)), EINVAL);
    }
    EXPECT_EQ(registry_.hooks().size(), 5U);
}

TEST_F(PfilHooks, PF_07_have_a_name_of_their_own) {
    add("t:a");
    expect_errno(registry_.add_hook(hook("t:a", HeadType::kInet6)), EEXIST);
    EXPECT_EQ(registry_.hooks().size(), 1U);
    EXPECT_EQ(registry_.hooks()[0].type, HeadType::kInet) << "the first one stays";
    expect_ok(registry_.remove_hook("t:a"));
    expect_ok(registry_.add_hook(hook("t:a", HeadType::kInet6)));
}

TEST_F(PfilHooks, are_refused_with_ENOBUFS_when_there_are_too_many) {
    for (std::size_t i = 0; i < kMaxHooks; i++) {
        expect_ok(registry_.add_hook(hook("t:" + std::to_string(i), HeadType::kInet)));
    }
    expect_errno(registry_.add_hook(hook("t:more", HeadType::kInet)), ENOBUFS);
    expect_ok(registry_.remove_hook("t:0"));
    expect_ok(registry_.add_hook(hook("t:more", HeadType::kInet)));
}

TEST_F(PfilHooks, PF_11_are_removed_with_all_their_links_and_then_freed) {
    std::weak_ptr<Hook> weak;
    {
        const std::shared_ptr<Hook> a = hook("t:a", HeadType::kEthernet);
        weak = a;
        expect_ok(registry_.add_hook(a));
    }
    expect_ok(link("t:a", "eth0", kBoth));
    expect_ok(link("t:a", "ethernet", kOut));
    expect_ok(registry_.remove_hook("t:a"));
    for (const char* head : {"eth0", "ethernet"}) {
        expect_order(head, Direction::kIn, {});
        expect_order(head, Direction::kOut, {});
    }
    EXPECT_TRUE(weak.expired());
    expect_errno(registry_.remove_hook("t:a"), ENOENT);
}

TEST_F(PfilHooks, test_6_removing_an_absent_one_is_ENOENT_and_changes_nothing) {
    add("t:a");
    expect_ok(link("t:a", "inet", kBoth));
    const int published = publisher_.published();
    expect_errno(registry_.remove_hook("t:b"), ENOENT);
    EXPECT_EQ(registry_.hooks().size(), 1U);
    EXPECT_EQ(publisher_.published(), published);
    expect_order("inet", Direction::kIn, {"t:a"});
}

// ---- links

TEST_F(PfilLinks, PF_09_need_a_direction) {
    add("t:a");
    expect_errno(link("t:a", "inet", kNowhere), EINVAL);
    expect_errno(unlink("t:a", "inet", kNowhere), EINVAL);
    expect_errno(link("t:unknown", "unknown", kNowhere), EINVAL);
    expect_order("inet", Direction::kIn, {});
}

TEST_F(PfilLinks, PF_29_test_12_are_refused_for_unknown_names_and_other_types) {
    add("t:v4", HeadType::kInet);
    add("t:v6", HeadType::kInet6);
    add("t:link", HeadType::kEthernet);
    struct Row {
        const char* sentence;
        const char* hook;
        const char* head;
        int code;
    };
    for (const Row& row : {
             Row{"an unknown head", "t:v4", "inet7", ENOENT},
             Row{"an unknown hook", "t:v7", "inet", ENOENT},
             Row{"both unknown", "t:v7", "inet7", ENOENT},
             Row{"IPv4 hook, IPv6 head", "t:v4", "inet6", EINVAL},
             Row{"IPv6 hook, IPv4 head", "t:v6", "inet", EINVAL},
             Row{"IPv4 hook, link head", "t:v4", "ethernet", EINVAL},
             Row{"IPv4 hook, interface head", "t:v4", "eth0", EINVAL},
             Row{"link hook, IPv4 head", "t:link", "inet", EINVAL},
         }) {
        SCOPED_TRACE(row.sentence);
        expect_errno(link(row.hook, row.head, kBoth), row.code);
    }
    EXPECT_EQ(publisher_.published(), 0);
    expect_ok(link("t:v4", "inet", kBoth));
    expect_ok(link("t:v6", "inet6", kBoth));
    expect_ok(link("t:link", "ethernet", kBoth));
    expect_ok(link("t:link", "eth0", kBoth));
    EXPECT_EQ(publisher_.published(), 4);
}

TEST_F(PfilLinks, PF_29_test_12_out_on_a_head_that_is_in_only_is_EINVAL) {
    expect_ok(
        registry_.register_head({.name = "nic", .type = HeadType::kEthernet, .directions = kIn, .slot = kSlot + 1}));
    add("t:a", HeadType::kEthernet);
    expect_errno(link("t:a", "nic", kOut), EINVAL);
    expect_errno(link("t:a", "nic", kBoth), EINVAL);
    expect_order("nic", Direction::kIn, {});
    expect_ok(link("t:a", "nic", kIn));
    SCOPED_TRACE("the direction is looked at before the links");
    expect_errno(link("t:a", "nic", kBoth), EINVAL);
}

TEST_F(PfilLinks, test_4_twice_is_EEXIST_and_changes_nothing) {
    add("t:a");
    add("t:b");
    expect_ok(link("t:a", "inet", kBoth));
    expect_ok(link("t:b", "inet", kBoth));
    const int published = publisher_.published();
    for (const Directions directions : {kIn, kOut, kBoth}) {
        for (const bool append : {false, true}) {
            expect_errno(link("t:a", "inet", directions, append), EEXIST);
        }
    }
    expect_order("inet", Direction::kIn, {"t:b", "t:a"});
    expect_order("inet", Direction::kOut, {"t:a", "t:b"});
    EXPECT_EQ(publisher_.published(), published);
}

TEST_F(PfilLinks, PF_08_test_5_both_directions_or_none) {
    add("t:out");
    add("t:in");
    expect_ok(link("t:out", "inet", kOut));
    expect_ok(link("t:in", "inet", kIn));
    expect_errno(link("t:out", "inet", kBoth), EEXIST);
    expect_errno(link("t:in", "inet", kBoth), EEXIST);
    expect_order("inet", Direction::kIn, {"t:in"});
    expect_order("inet", Direction::kOut, {"t:out"});
    expect_ok(link("t:out", "inet", kIn));
    expect_order("inet", Direction::kIn, {"t:out", "t:in"});
}

TEST_F(PfilLinks, PF_30_test_15_end_where_they_are_in_any_of_the_directions) {
    add("t:a");
    expect_ok(link("t:a", "inet", kOut));
    expect_errno(unlink("t:a", "inet", kIn), ENOENT);
    expect_order("inet", Direction::kOut, {"t:a"});
    expect_ok(unlink("t:a", "inet", kBoth));
    expect_order("inet", Direction::kOut, {});
    expect_errno(unlink("t:a", "inet", kBoth), ENOENT);
    expect_errno(unlink("t:a", "inet6", kOut), ENOENT);
    expect_errno(unlink("t:a", "inet7", kOut), ENOENT);
    expect_errno(unlink("t:b", "inet", kOut), ENOENT);
}

TEST_F(PfilLinks, errors_name_the_hook_the_reason_and_what_to_do) {
    add("cbpf:a");
    const std::string line = link("cbpf:a", "ethernet", kIn).error().line();
    for (const char* part : {"link cbpf:a:", "inet", "ethernet", "("}) {
        EXPECT_NE(line.find(part), std::string::npos) << line;
    }
}

TEST_F(PfilLinks, PF_17_changed_while_held_come_as_one_snapshot) {
    ASSERT_TRUE(registry_.add_hook(hook("t:old", HeadType::kInet)));
    ASSERT_TRUE(registry_.add_hook(hook("t:new", HeadType::kInet)));
    ASSERT_TRUE(registry_.link({"t:old", "inet", kIn}));
    const int before = publisher_.published();
    registry_.hold();
    ASSERT_TRUE(registry_.remove_hook("t:old"));
    ASSERT_TRUE(registry_.link({"t:new", "inet", kBoth}));
    EXPECT_EQ(publisher_.published(), before);
    EXPECT_TRUE(registry_.hooked(kSlot, Direction::kIn));
    EXPECT_FALSE(registry_.hooked(kSlot, Direction::kOut)) << "it is not in force yet";
    EXPECT_EQ(publisher_.snapshot().run_order(HeadType::kInet, Direction::kIn)[0]->name(), "t:old");
    registry_.release();
    EXPECT_EQ(publisher_.published(), before + 1);
    EXPECT_EQ(publisher_.snapshot().run_order(HeadType::kInet, Direction::kIn)[0]->name(), "t:new");
    EXPECT_TRUE(registry_.hooked(kSlot, Direction::kOut));
}

TEST_F(PfilLinks, nothing_changed_while_held_publishes_nothing) {
    const int before = publisher_.published();
    registry_.hold();
    EXPECT_FALSE(registry_.link({"t:none", "inet", kIn}));
    registry_.release();
    EXPECT_EQ(publisher_.published(), before);
}

TEST(PfilInstances, PF_27_test_13_do_not_see_each_other) {
    LastSnapshot first_publisher;
    LastSnapshot second_publisher;
    Registry first(first_publisher);
    Registry second(second_publisher);
    for (Registry* registry : {&first, &second}) {
        expect_ok(registry->register_head({.name = "inet", .type = HeadType::kInet}));
        expect_ok(registry->add_hook(hook("t:a", HeadType::kInet)));
    }
    expect_ok(first.link({.hook = "t:a", .head = "inet", .directions = kBoth}));
    EXPECT_EQ(first.find_head("inet")->hooks[0], Names{"t:a"});
    EXPECT_EQ(second.find_head("inet")->hooks[0], Names{});
    EXPECT_TRUE(second.find_hook("t:a")->links.empty());
    EXPECT_EQ(second_publisher.published(), 0);
    EXPECT_FALSE(second.hooked(0, Direction::kIn));
}

TEST(PfilInstances, PF_27_end_their_links_when_they_end) {
    LastSnapshot publisher;
    {
        Registry registry(publisher);
        expect_ok(registry.register_head({.name = "inet", .type = HeadType::kInet}));
        expect_ok(registry.add_hook(hook("t:a", HeadType::kInet)));
        expect_ok(registry.link({.hook = "t:a", .head = "inet", .directions = kBoth}));
        EXPECT_TRUE(publisher.snapshot().hooked(0, Direction::kIn));
    }
    EXPECT_FALSE(publisher.snapshot().hooked(0, Direction::kIn));
    EXPECT_TRUE(publisher.snapshot().run_order(HeadType::kInet, Direction::kIn).empty());
}

TEST_F(PfilLinks, while_one_hook_is_alone_packets_meet_no_other_and_afterwards_what_is_linked_then) {
    add("t:a");
    add("t:b");
    expect_ok(link("t:a", "inet", kBoth));
    const auto only =
        std::make_shared<FunctionHook>("t:only", HeadType::kEthernet, [](Packet&) { return Verdict::dropped(); });
    const auto asked = [&](HeadType type) {
        Names names;
        for (const Hook* hook : publisher_.snapshot().run_order(type, Direction::kIn)) {
            names.push_back(hook->name());
        }
        return names;
    };
    registry_.set_only(only);
    EXPECT_EQ(asked(HeadType::kEthernet), Names{"t:only"});
    EXPECT_EQ(asked(HeadType::kInet), Names{});
    EXPECT_TRUE(publisher_.snapshot().hooked(kSlot, Direction::kOut));
    EXPECT_EQ(registry_.hooks_of(kSlot, Direction::kOut).link.front()->name(), "t:only");
    EXPECT_TRUE(registry_.hooks_of(kSlot, Direction::kOut).inet.empty());
    expect_ok(link("t:b", "inet", kBoth));
    EXPECT_EQ(asked(HeadType::kInet), Names{});
    EXPECT_EQ(registry_.find_head("inet")->hooks[index(Direction::kIn)], (Names{"t:b", "t:a"}));
    EXPECT_FALSE(registry_.find_hook("t:only")) << "it is none of the instance's";
    registry_.set_only(nullptr);
    EXPECT_EQ(asked(HeadType::kEthernet), Names{});
    EXPECT_EQ(asked(HeadType::kInet), (Names{"t:b", "t:a"}));
}

TEST_F(PfilLinks, what_is_held_back_can_be_looked_at) {
    add("t:a");
    const auto before = registry_.in_force();
    EXPECT_EQ(registry_.held(), before);
    registry_.hold();
    EXPECT_EQ(registry_.held(), before) << "nothing has changed";
    expect_ok(link("t:a", "inet", kIn));
    EXPECT_EQ(registry_.in_force(), before);
    EXPECT_EQ(registry_.held()->run_order(HeadType::kInet, Direction::kIn).size(), 1U);
    EXPECT_TRUE(before->run_order(HeadType::kInet, Direction::kIn).empty());
    registry_.release();
    EXPECT_EQ(registry_.held(), registry_.in_force());
}

// ---- lists

TEST_F(PfilLists, PF_32_test_14_say_how_many_there_are_and_fill_what_fits) {
    add("t:a");
    add("t:b");
    EXPECT_EQ(registry_.list_heads({}), 4U);
    EXPECT_EQ(registry_.list_hooks({}), 2U);
    std::array<HeadInfo, 6> heads;
    EXPECT_EQ(registry_.list_heads(std::span(heads).first(2)), 4U);
    EXPECT_EQ(heads[1].name, "inet6");
    EXPECT_EQ(heads[2].name, "") << "behind the buffer";
    EXPECT_EQ(registry_.list_heads(heads), 4U);
    EXPECT_EQ(heads[3].name, "eth0");
    EXPECT_EQ(heads[4].name, "");
    std::array<HookInfo, 1> hooks;
    EXPECT_EQ(registry_.list_hooks(hooks), 2U);
    EXPECT_EQ(hooks[0].name, "t:a");
}

TEST_F(PfilLists, show_heads_and_hooks_as_they_are) {
    add("t:a", HeadType::kEthernet);
    expect_ok(link("t:a", "eth0", kOut));
    expect_ok(link("t:a", "ethernet", kIn));
    const HeadInfo head = *registry_.find_head("eth0");
    EXPECT_EQ(head.type, HeadType::kEthernet);
    EXPECT_EQ(head.directions, kBoth);
    EXPECT_EQ(head.slot, kSlot);
    EXPECT_EQ(head.hooks[index(Direction::kIn)], Names{});
    EXPECT_EQ(head.hooks[index(Direction::kOut)], Names{"t:a"});
    const HookInfo info = *registry_.find_hook("t:a");
    EXPECT_EQ(info.type, HeadType::kEthernet);
    EXPECT_EQ(info.module, "function");
    EXPECT_EQ(info.answers, Answers{}) << "per packet, until a hook says more";
    EXPECT_FALSE(info.program.has_value());
    EXPECT_EQ(info.links, (std::vector<HookLink>{{"ethernet", Direction::kIn}, {"eth0", Direction::kOut}}));
    EXPECT_FALSE(registry_.find_hook("t:b").has_value());
}

} // namespace
} // namespace pfild::core
