// SPDX-License-Identifier: BSD-2-Clause
// A transaction that ends at any step leaves the old state in force, whole, and kept.
#include "daemon/rules/transaction.h"

#include <gtest/gtest.h>

#include "../config/any_model.h"
#include "rules_world.h"

namespace pfild::rules {
namespace {

using config::Model;
using config::Owner;

const core::Directions kIn{true, false};

struct Fixture {
    test::Steps steps;
    test::FakeWorld world{steps};
    test::FakeStore store{steps};
    Transaction transaction{world, store, "this boot"};

    [[nodiscard]] bool is_in_force(const Model& model) const {
        return world.in_force() == test::rules_of(model, world.there);
    }
    [[nodiscard]] core::Result<Outcome> change(const Model& next) { return transaction.change(next, {}); }
    [[nodiscard]] std::set<std::string> waits_for() const {
        std::set<std::string> names;
        for (const auto& [name, why] : transaction.waited_for()) {
            names.insert(name);
        }
        return names;
    }
    [[nodiscard]] std::vector<std::string> order(const char* head) const {
        const auto found = world.in_force().orders.find({head, core::Direction::kIn});
        return found == world.in_force().orders.end() ? std::vector<std::string>() : found->second;
    }
    [[nodiscard]] std::set<std::string> guarded() const {
        std::set<std::string> names;
        for (const auto& [name, how] : world.in_force().interfaces) {
            names.insert(name);
        }
        return names;
    }
};

config::Hook hook(const char* name, core::HeadType type = core::HeadType::kInet) {
    return {.name = name, .type = type, .program = {{0x06, 0, 0, 1}}, .owner = Owner::kBpfctl};
}

/// Interfaces of all models are there, and no owner but bpfctl is: nothing is waited for.
Model any_model(config::test::AnyModel& any) {
    Model model = any.next();
    for (config::Interface& interface : model.interfaces) {
        interface.owner = Owner::kBpfctl;
    }
    return model;
}

TEST(Transaction, puts_any_model_in_force_after_any_other) {
    Fixture fixture;
    fixture.world.there = {"eth0", "eth1", "wan"};
    config::test::AnyModel any(10);
    for (int i = 0; i < 300; ++i) {
        const Model next = any_model(any);
        const auto outcome = fixture.change(next);
        ASSERT_TRUE(outcome) << outcome.error().line();
        ASSERT_EQ(fixture.transaction.model(), next);
        const auto kept = kept_model_of(fixture.store.in_force());
        ASSERT_TRUE(kept) << kept.error().line();
        ASSERT_EQ(kept->model, next);
        for (const auto& [name, put] : test::rules_of(next, fixture.world.there).hooks) {
            ASSERT_EQ(fixture.world.in_force().hooks.at(name).program, put.program);
        }
        ASSERT_EQ(fixture.world.in_force().orders, test::rules_of(next, fixture.world.there).orders);
    }
}

TEST(Transaction, that_fails_at_any_step_leaves_the_old_model_in_force_and_recorded) {
    config::test::AnyModel any(11);
    std::size_t failures = 0;
    for (int i = 0; i < 60; ++i) {
        const Model before = any_model(any);
        const Model after = any_model(any);
        for (std::size_t failing = 1;; ++failing) {
            Fixture fixture;
            fixture.world.there = {"eth0", "eth1", "wan"};
            ASSERT_TRUE(fixture.change(before));
            const test::Rules rules = fixture.world.in_force();
            const std::string kept = fixture.store.in_force();
            fixture.steps.failing = fixture.steps.taken + failing;
            const auto outcome = fixture.change(after);
            if (outcome) {
                ASSERT_EQ(fixture.transaction.model(), after);
                break; // it has fewer steps
            }
            failures++;
            ASSERT_EQ(outcome.error().code, EIO);
            ASSERT_TRUE(fixture.world.in_force() == rules) << "failing at step " << failing;
            ASSERT_EQ(fixture.store.in_force(), kept) << "failing at step " << failing;
            ASSERT_EQ(fixture.transaction.model(), before);
            ASSERT_TRUE(fixture.change(after)) << "it can be tried again";
            ASSERT_EQ(fixture.world.in_force().orders, test::rules_of(after, fixture.world.there).orders);
        }
    }
    EXPECT_GT(failures, 300U);
}

TEST(Transaction, about_one_of_1000_hooks_asks_for_one_and_writes_once) {
    Fixture fixture;
    Model model;
    for (int i = 0; i < 1000; ++i) {
        const std::string name = "a:" + std::to_string(1000 + i);
        model.hooks.push_back(hook(name.c_str()));
        model.links.push_back({name, "inet", kIn});
    }
    ASSERT_TRUE(fixture.change(model));
    EXPECT_EQ(fixture.store.writes, 1U);
    EXPECT_EQ(fixture.world.asked, 1002U) << "the hooks, and the run order of the head in each direction";
    fixture.world.asked = 0;
    fixture.store.writes = 0;
    model.hooks[500].on_match = core::OnMatch::kCount;
    ASSERT_TRUE(fixture.change(model));
    EXPECT_EQ(fixture.world.asked, 1U);
    EXPECT_EQ(fixture.store.writes, 1U);
}

TEST(Transaction, to_the_same_model_does_nothing) {
    Fixture fixture;
    const Model model{.hooks = {hook("a:a")}};
    ASSERT_TRUE(fixture.change(model));
    fixture.world.asked = 0;
    fixture.store.writes = 0;
    ASSERT_TRUE(fixture.change(model));
    EXPECT_EQ(fixture.world.asked + fixture.store.writes, 0U);
}

TEST(Transaction, that_cannot_be_recorded_is_refused_unless_it_makes_the_host_reachable) {
    Fixture fixture;
    const Model before{.interfaces = {{.name = "eth0", .owner = Owner::kBpfctl}}};
    ASSERT_TRUE(fixture.change(before));
    fixture.store.full = true;
    Model with_hook = before;
    with_hook.hooks.push_back(hook("a:a"));
    EXPECT_EQ(fixture.change(with_hook).error().code, ENOSPC);
    EXPECT_TRUE(fixture.is_in_force(before));
    const auto detached = fixture.transaction.change({}, {.unrecorded = Unrecorded::kGoesOn});
    ASSERT_TRUE(detached);
    EXPECT_FALSE(detached->recorded);
    EXPECT_NE(detached->because.find("no space"), std::string::npos);
    EXPECT_TRUE(fixture.is_in_force({}));
    fixture.store.full = false;
    ASSERT_TRUE(fixture.change(before));
    EXPECT_EQ(kept_model_of(fixture.store.in_force())->model, before);
}

TEST(Transaction, that_is_not_allowed_leaves_the_old_model_in_force_and_recorded) {
    config::test::AnyModel any(13);
    for (int i = 0; i < 60; ++i) {
        Fixture fixture;
        fixture.world.there = {"eth0", "eth1", "wan"};
        const Model before = any_model(any);
        ASSERT_TRUE(fixture.change(before));
        const test::Rules rules = fixture.world.in_force();
        const std::string kept = fixture.store.in_force();
        const auto outcome = fixture.transaction.change(any_model(any), {.allowed = [] {
                                                            return core::fail({"", "", "no", "", EPERM});
                                                        }});
        if (outcome) {
            ASSERT_TRUE(outcome->change.empty()) << "nobody was asked, as there was nothing to do";
            continue;
        }
        ASSERT_EQ(outcome.error().code, EPERM);
        ASSERT_TRUE(fixture.world.in_force() == rules);
        ASSERT_EQ(fixture.store.in_force(), kept);
        ASSERT_EQ(fixture.transaction.model(), before);
    }
}

TEST(Transaction, panic_goes_through_without_a_record_and_leaves_all_else_as_it_is) {
    Fixture fixture;
    const Model before{.interfaces = {{.name = "eth0", .owner = Owner::kBpfctl}}, .hooks = {hook("a:a")}};
    ASSERT_TRUE(fixture.change(before));
    fixture.world.asked = 0;
    fixture.store.full = true;
    Model panic = before;
    panic.panic = true;
    const auto begun = fixture.transaction.change(panic, {.unrecorded = Unrecorded::kGoesOn});
    ASSERT_TRUE(begun);
    EXPECT_FALSE(begun->recorded);
    EXPECT_TRUE(fixture.is_in_force(panic));
    EXPECT_EQ(fixture.world.asked, 0U) << "nothing else is touched";
    fixture.store.full = false;
    ASSERT_TRUE(fixture.change(before));
    EXPECT_TRUE(fixture.is_in_force(before));
}

TEST(Transaction, waits_for_an_interface_of_the_files_and_attaches_it_with_its_links) {
    Fixture fixture;
    const Model model{.interfaces = {{.name = "eth0"}, {.name = "eth9"}},
                      .hooks = {hook("a:e", core::HeadType::kEthernet)},
                      .links = {{"a:e", "eth9", kIn}}};
    ASSERT_TRUE(fixture.change(model));
    EXPECT_EQ(fixture.waits_for(), std::set<std::string>{"eth9"});
    EXPECT_TRUE(fixture.is_in_force(model)) << "what is there is guarded";
    ASSERT_TRUE(fixture.transaction.look_again("eth9")) << "it is not there, after all";
    fixture.world.there.insert("eth9");
    ASSERT_TRUE(fixture.transaction.look_again("eth9"));
    EXPECT_TRUE(fixture.waits_for().empty());
    EXPECT_TRUE(fixture.is_in_force(model));
    EXPECT_EQ(kept_model_of(fixture.store.in_force())->attached.size(), 2U);
    fixture.world.there.erase("eth9");
    ASSERT_TRUE(fixture.transaction.gone("eth9"));
    EXPECT_EQ(fixture.waits_for(), std::set<std::string>{"eth9"});
}

TEST(Transaction, refuses_an_interface_of_bpfctl_that_is_not_there_and_forgets_one_that_has_gone) {
    Fixture fixture;
    EXPECT_EQ(fixture.change({.interfaces = {{.name = "eth9", .owner = Owner::kBpfctl}}}).error().code, ENODEV);
    ASSERT_TRUE(fixture.change({.interfaces = {{.name = "eth0", .owner = Owner::kBpfctl}}}));
    ASSERT_TRUE(fixture.transaction.gone("eth0"));
    EXPECT_TRUE(fixture.transaction.model().interfaces.empty());
    EXPECT_TRUE(kept_model_of(fixture.store.in_force())->model.interfaces.empty());
}

TEST(Transaction, follows_interfaces_that_exchange_their_names) {
    Fixture fixture;
    ASSERT_TRUE(fixture.change({.interfaces = {{.name = "eth0"}, {.name = "eth1"}},
                                .hooks = {hook("a:e", core::HeadType::kEthernet)},
                                .links = {{"a:e", "eth0", kIn}}}));
    ASSERT_TRUE(fixture.transaction.renamed({{"eth0", "eth1"}, {"eth1", "eth0"}}));
    EXPECT_EQ(fixture.transaction.model().links[0].head, "eth1");
    EXPECT_EQ(kept_model_of(fixture.store.in_force())->model, fixture.transaction.model());
}

TEST(Transaction, guards_what_a_pattern_means_as_it_comes_is_renamed_and_goes) {
    Fixture fixture;
    fixture.world.there = {"veth1", "eth0"};
    const Model model{.interfaces = {{.name = "veth*", .owner = Owner::kBpfctl}},
                      .hooks = {hook("a:e", core::HeadType::kEthernet)},
                      .links = {{"a:e", "veth*", kIn}}};
    ASSERT_TRUE(fixture.change(model));
    EXPECT_EQ(fixture.guarded(), std::set<std::string>{"veth1"});
    EXPECT_EQ(fixture.world.heads_come, HeadsCome::kLast);
    fixture.world.there.insert("veth2");
    ASSERT_TRUE(fixture.transaction.look_again("veth2"));
    EXPECT_EQ(fixture.world.heads_come, HeadsCome::kFirst);
    EXPECT_EQ(fixture.guarded(), (std::set<std::string>{"veth1", "veth2"}));
    EXPECT_EQ(fixture.order("veth2"), std::vector<std::string>{"a:e"});
    EXPECT_EQ(kept_model_of(fixture.store.in_force())->attached.size(), 2U);
    EXPECT_EQ(fixture.transaction.item_of("veth2"), "veth*");
    fixture.world.there = {"veth2", "eth0", "wan"};
    fixture.world.rename("veth1", "wan");
    ASSERT_TRUE(fixture.transaction.renamed({{"veth1", "wan"}}));
    EXPECT_EQ(fixture.guarded(), std::set<std::string>{"veth2"});
    fixture.world.there = {"veth2", "veth5", "wan"};
    ASSERT_TRUE(fixture.transaction.look_again("veth5"));
    EXPECT_EQ(fixture.guarded(), (std::set<std::string>{"veth2", "veth5"}));
    EXPECT_EQ(fixture.transaction.model(), model) << "what is wanted is the same";
    EXPECT_TRUE(fixture.waits_for().empty());
}

TEST(Transaction, one_that_a_pattern_means_and_that_cannot_be_attached_keeps_no_other_from_it) {
    Fixture fixture;
    fixture.world.there = {"veth1", "veth2", "veth3"};
    fixture.world.refuses = {"veth2"};
    const Model model{.interfaces = {{.name = "veth*"}}};
    ASSERT_TRUE(fixture.change(model));
    EXPECT_EQ(fixture.guarded(), (std::set<std::string>{"veth1", "veth3"}));
    EXPECT_EQ(fixture.waits_for(), std::set<std::string>{"veth2"});
    EXPECT_NE(fixture.transaction.waited_for().at("veth2").find("a tunnel"), std::string::npos);
    fixture.world.asked = 0;
    ASSERT_TRUE(fixture.transaction.look_again("veth1"));
    EXPECT_EQ(fixture.world.asked, 0U) << "it is not tried again for every message";
    fixture.world.refuses.clear();
    ASSERT_TRUE(fixture.transaction.look_again(std::nullopt));
    EXPECT_EQ(fixture.guarded(), (std::set<std::string>{"veth1", "veth2", "veth3"}));
    EXPECT_TRUE(fixture.waits_for().empty());
}

TEST(Transaction, one_that_is_named_and_cannot_be_attached_is_refused) {
    Fixture fixture;
    fixture.world.refuses = {"eth1"};
    EXPECT_EQ(fixture.change({.interfaces = {{.name = "eth0"}, {.name = "eth1"}}}).error().code, EOPNOTSUPP);
    EXPECT_TRUE(fixture.guarded().empty());
    EXPECT_TRUE(fixture.waits_for().empty());
}

TEST(Transaction, follows_alternative_names_that_come_and_go) {
    Fixture fixture;
    const Model model{.interfaces = {{.name = "enp9s0"}}};
    ASSERT_TRUE(fixture.change(model));
    EXPECT_EQ(fixture.waits_for(), std::set<std::string>{"enp9s0"});
    fixture.world.altnames["eth1"] = "enp9s0";
    ASSERT_TRUE(fixture.transaction.look_again("eth1"));
    EXPECT_EQ(fixture.guarded(), std::set<std::string>{"eth1"});
    EXPECT_TRUE(fixture.waits_for().empty());
    fixture.world.altnames.clear();
    ASSERT_TRUE(fixture.transaction.look_again("eth1"));
    EXPECT_TRUE(fixture.guarded().empty());
    EXPECT_EQ(fixture.waits_for(), std::set<std::string>{"enp9s0"});
}

TEST(Transaction, that_fails_with_a_pattern_leaves_the_old_state_in_force) {
    std::size_t failures = 0;
    for (std::size_t failing = 1; failing < 10; ++failing) {
        Fixture fixture;
        const Model before{.interfaces = {{.name = "eth0"}, {.name = "late0"}}};
        ASSERT_TRUE(fixture.change(before));
        const test::Rules rules = fixture.world.in_force();
        fixture.steps.failing = fixture.steps.taken + failing;
        fixture.world.refuses = {"eth2"};
        if (fixture.change({.interfaces = {{.name = "eth*"}, {.name = "late0"}}})) {
            continue; // what only the pattern means could not be attached, or all is done
        }
        failures++;
        EXPECT_TRUE(fixture.world.in_force() == rules) << "failing at step " << failing;
        EXPECT_EQ(fixture.waits_for(), std::set<std::string>{"late0"});
        EXPECT_EQ(fixture.transaction.item_of("eth0"), "eth0");
    }
    EXPECT_GE(failures, 3U);
}

TEST(Begin, takes_what_can_be_had_and_tells_the_rest) {
    Fixture fixture;
    std::vector<std::string> refused;
    fixture.transaction.begin({.interfaces = {{.name = "eth0", .owner = Owner::kBpfctl},
                                              {.name = "gone", .owner = Owner::kBpfctl},
                                              {.name = "later"}},
                               .hooks = {hook("a:a"), hook("a:e", core::HeadType::kEthernet)},
                               .links = {{"a:e", "gone", kIn}, {"a:a", "inet", kIn}}},
                              "digest", [&](const core::Error& error) { refused.push_back(error.object); });
    EXPECT_EQ(refused, (std::vector<std::string>{"gone", "a:e"}));
    EXPECT_EQ(fixture.waits_for(), std::set<std::string>{"later"});
    EXPECT_TRUE(fixture.is_in_force(fixture.transaction.model()));
    EXPECT_EQ(fixture.transaction.model().links.size(), 1U);
    EXPECT_EQ(kept_model_of(fixture.store.in_force())->files, "digest");
}

} // namespace
} // namespace pfild::rules
