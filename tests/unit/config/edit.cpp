// SPDX-License-Identifier: BSD-2-Clause
// What verbs do to a model, and what is refused and why; what becomes of the items of others when the files change.
#include "config/edit.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "any_model.h"
#include "config/guarded.h"

namespace pfild::config {
namespace {

const core::Directions kBoth = core::Directions::both();
const core::Directions kIn{true, false};
const core::Directions kOut{false, true};

Hook hook_of(const char* name, core::HeadType type = core::HeadType::kInet, Owner owner = Owner::kBpfctl) {
    return {.name = name, .type = type, .program = {{0x06, 0, 0, 1}}, .owner = owner};
}

Model two_hooks() {
    return {.interfaces = {{.name = "eth0"}}, .hooks = {hook_of("a:a"), hook_of("a:e", core::HeadType::kEthernet)}};
}

TEST(Edit, links_and_unlinks_one_direction_at_a_time) {
    Model model = two_hooks();
    ASSERT_TRUE(link(model, {.hook = "a:a", .head = "inet", .directions = kBoth}));
    ASSERT_TRUE(unlink(model, "a:a", "inet", kIn));
    EXPECT_EQ(model.links, (std::vector<Link>{{.hook = "a:a", .head = "inet", .directions = kOut}}));
    ASSERT_TRUE(link(model, {.hook = "a:a", .head = "inet", .directions = kIn}));
    ASSERT_TRUE(unlink(model, "a:a", "inet", kBoth));
    EXPECT_TRUE(model.links.empty());
}

TEST(Edit, refuses_with_the_errors_of_pfil_9_and_changes_nothing) {
    Model model = two_hooks();
    ASSERT_TRUE(link(model, {.hook = "a:a", .head = "inet", .directions = kIn}));
    const Model before = model;
    EXPECT_EQ(link(model, {.hook = "a:a", .head = "inet", .directions = {}}).error().code, EINVAL);
    EXPECT_EQ(link(model, {.hook = "a:x", .head = "inet", .directions = kIn}).error().code, ENOENT);
    EXPECT_EQ(link(model, {.hook = "a:a", .head = "eth9", .directions = kIn}).error().code, ENOENT);
    EXPECT_EQ(link(model, {.hook = "a:a", .head = "eth0", .directions = kIn}).error().code, EINVAL);
    EXPECT_EQ(link(model, {.hook = "a:a", .head = "inet", .directions = kBoth}).error().code, EEXIST);
    EXPECT_EQ(unlink(model, "a:a", "inet", kOut).error().code, ENOENT);
    EXPECT_EQ(add_hook(model, hook_of("a:a")).error().code, EEXIST);
    EXPECT_EQ(add_hook(model, hook_of("nocolon")).error().code, EINVAL);
    EXPECT_EQ(add_interface(model, {.name = "eth0"}).error().code, EEXIST);
    EXPECT_EQ(add_interface(model, {.name = "inet"}).error().code, EINVAL);
    EXPECT_EQ(remove_interface(model, "eth9").error().code, ENODEV);
    EXPECT_EQ(remove_hook(model, "a:x").error().code, ENOENT);
    EXPECT_EQ(model, before);
}

TEST(Edit, disables_and_replaces_a_hook_where_it_is_linked) {
    Model model = two_hooks();
    ASSERT_TRUE(add_hook(model, hook_of("a:b")));
    for (const char* name : {"a:a", "a:b"}) {
        ASSERT_TRUE(link(model, {.hook = name, .head = "inet", .directions = kIn}));
    }
    const std::vector<Link> links = model.links;
    const auto met = [&model] { return run_order(guarded(model, {}).model.links, core::Direction::kIn); };
    ASSERT_TRUE(enable_hook(model, "a:a", false, Owner::kBpfctl));
    EXPECT_EQ(met(), (std::vector<std::string>{"a:b"}));
    EXPECT_EQ(enable_hook(model, "a:a", false, Owner::kBpfctl).error().code, EALREADY);
    EXPECT_EQ(enable_hook(model, "a:x", false, Owner::kBpfctl).error().code, ENOENT);
    ASSERT_TRUE(enable_hook(model, "a:a", true, Owner::kBpfctl));
    EXPECT_EQ(met(), (std::vector<std::string>{"a:b", "a:a"}));
    Hook other = hook_of("a:a");
    other.on_match = core::OnMatch::kCount;
    ASSERT_TRUE(replace_hook(model, other));
    EXPECT_EQ(*find_hook(model, "a:a"), other);
    EXPECT_EQ(replace_hook(model, hook_of("a:a", core::HeadType::kEthernet)).error().code, EINVAL);
    EXPECT_EQ(replace_hook(model, hook_of("a:x")).error().code, ENOENT);
    EXPECT_EQ(model.links, links);
}

TEST(Edit, takes_links_away_with_their_hook_and_with_their_interface) {
    Model model = two_hooks();
    ASSERT_TRUE(link(model, {.hook = "a:e", .head = "eth0", .directions = kIn}));
    ASSERT_TRUE(link(model, {.hook = "a:e", .head = "ethernet", .directions = kIn}));
    ASSERT_TRUE(link(model, {.hook = "a:a", .head = "inet", .directions = kIn}));
    ASSERT_TRUE(remove_interface(model, "eth0"));
    EXPECT_EQ(model.links.size(), 2U);
    ASSERT_TRUE(remove_hook(model, "a:e"));
    EXPECT_EQ(model.links, (std::vector<Link>{{.hook = "a:a", .head = "inet", .directions = kIn}}));
}

TEST(Edit, of_any_model_leaves_one_in_order) {
    test::AnyModel any(7);
    for (int i = 0; i < 300; ++i) {
        Model model = any.next();
        (void)add_hook(model, any.hook("cbpf:m"));
        (void)add_interface(model, {.name = "lan"});
        (void)link(model, {.hook = "cbpf:m", .head = "lan", .directions = kBoth});
        (void)remove_hook(model, "cbpf:b");
        (void)remove_interface(model, "eth1");
        rename_interfaces(model, {{"eth0", "wan"}});
        (void)unlink(model, "cbpf:a", "inet", kOut);
        Model sorted = model;
        put_in_order(sorted);
        ASSERT_EQ(model, sorted);
        ASSERT_TRUE(flaws(model).empty()) << flaws(model).front().reason;
    }
}

TEST(Edit, gives_interfaces_other_names_with_their_links_also_where_they_exchange_them) {
    Model model = two_hooks();
    ASSERT_TRUE(link(model, {.hook = "a:e", .head = "eth0", .directions = kIn}));
    rename_interfaces(model, {{"eth0", "wan0"}});
    EXPECT_EQ(model.interfaces[0].name, "wan0");
    EXPECT_EQ(links_at(model, "wan0").size(), 1U);
    ASSERT_TRUE(add_interface(model, {.name = "lan0", .unknown = core::FailMode::kDrop}));
    rename_interfaces(model, {{"wan0", "lan0"}, {"lan0", "wan0"}});
    EXPECT_EQ(links_at(model, "lan0").size(), 1U);
    EXPECT_EQ(find_interface(model, "wan0")->unknown, core::FailMode::kDrop);
    rename_interfaces(model, {{"lan0", "wan0"}});
    EXPECT_EQ(model.interfaces.size(), 1U);
}

TEST(WithOthers, is_the_same_model_if_the_files_are) {
    test::AnyModel any(8);
    for (int i = 0; i < 300; ++i) {
        const Model model = any.next();
        Model files = model;
        std::erase_if(files.interfaces, [](const Interface& one) { return one.owner != Owner::kFile; });
        std::erase_if(files.hooks, [](const Hook& one) { return one.owner != Owner::kFile; });
        std::erase_if(files.links, [&](const Link& one) {
            return one.owner != Owner::kFile || find_hook(files, one.hook) == nullptr ||
                   (!common_head(one.head) && find_interface(files, one.head) == nullptr);
        });
        const Model whole = with_others(files, model);
        EXPECT_EQ(whole.interfaces, model.interfaces);
        EXPECT_EQ(whole.hooks, model.hooks);
        EXPECT_TRUE(flaws(whole).empty());
        EXPECT_EQ(with_others(files, whole), whole);
    }
}

TEST(WithOthers, lets_the_files_win_and_drops_links_to_what_is_gone) {
    Model others{.interfaces = {{.name = "eth0", .unknown = core::FailMode::kDrop, .owner = Owner::kBpfctl},
                                {.name = "eth1", .owner = Owner::kBpfctl}},
                 .hooks = {hook_of("a:mine"), hook_of("f:gone", core::HeadType::kInet, Owner::kFile)},
                 .links = {{.hook = "f:gone", .head = "inet", .directions = kIn, .owner = Owner::kBpfctl},
                           {.hook = "a:mine", .head = "inet", .directions = kBoth, .owner = Owner::kBpfctl}}};
    Model files{.interfaces = {{.name = "eth0"}},
                .hooks = {hook_of("f:new", core::HeadType::kInet, Owner::kFile)},
                .links = {{.hook = "f:new", .head = "inet", .directions = kIn}}};
    const Model whole = with_others(files, others);
    EXPECT_EQ(find_interface(whole, "eth0")->unknown, core::FailMode::kPass);
    EXPECT_NE(find_interface(whole, "eth1"), nullptr);
    EXPECT_EQ(find_hook(whole, "f:gone"), nullptr);
    EXPECT_EQ(run_order(links_at(whole, "inet"), core::Direction::kIn), (std::vector<std::string>{"a:mine", "f:new"}));
}

TEST(WithApplied, replaces_what_files_and_the_last_apply_want_and_keeps_what_bpfctl_did) {
    const Model running{.hooks = {hook_of("a:applied", core::HeadType::kInet, Owner::kApplied), hook_of("b:mine"),
                                  hook_of("f:gone", core::HeadType::kInet, Owner::kFile),
                                  hook_of("f:same", core::HeadType::kInet, Owner::kFile)}};
    const Model file{.hooks = {hook_of("f:same", core::HeadType::kInet, Owner::kFile),
                               hook_of("n:new", core::HeadType::kInet, Owner::kFile)}};
    const Model wanted{.hooks = {hook_of("b:mine"), hook_of("f:same", core::HeadType::kInet, Owner::kFile),
                                 hook_of("n:new", core::HeadType::kInet, Owner::kApplied)}};
    EXPECT_EQ(with_applied(file, running), wanted);
    EXPECT_EQ(with_applied(file, wanted), wanted);
}

} // namespace
} // namespace pfild::config
