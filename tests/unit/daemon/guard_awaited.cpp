// SPDX-License-Identifier: BSD-2-Clause
// Which interfaces a change makes the lock-out guard look at before they are there, and with which rules.
#include "daemon/guard/awaited.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pfild::guard {
namespace {

using testing::ElementsAre;

config::Interface interface_named(const std::string& name) { return {.name = name}; }

config::Model with_rule(std::vector<config::Interface> interfaces, const std::string& head) {
    config::Model model;
    model.interfaces = std::move(interfaces);
    model.hooks = {{.name = "a:all", .type = config::type_of_head(head), .filter = "", .program = {{0x06, 0, 0, 1}}}};
    model.links = {{.hook = "a:all", .head = head, .directions = {true, false}}};
    config::put_in_order(model);
    return model;
}

std::vector<std::string> names(const std::vector<Awaited>& all) {
    std::vector<std::string> found;
    found.reserve(all.size());
    for (const Awaited& one : all) {
        found.push_back(one.name + (one.ifindex ? ":" + std::to_string(*one.ifindex) : ""));
    }
    return found;
}

const std::vector<config::HostInterface> kHostInterfaces{{.ifindex = 2, .name = "eth0", .altnames = {"lan0"}},
                                                         {.ifindex = 3, .name = "eth1"}};

TEST(Awaited, are_names_that_nobody_has_and_interfaces_that_are_not_attached) {
    const config::Model next =
        with_rule({interface_named("eth*"), interface_named("lan0"), interface_named("wan0")}, "inet");
    EXPECT_THAT(names(awaited({}, next, kHostInterfaces, {})), ElementsAre("eth0:2", "eth1:3", "wan0"));
    EXPECT_THAT(names(awaited({}, next, kHostInterfaces, {2, 3})), ElementsAre("wan0"))
        << "they are judged as they are";
}

TEST(Awaited, have_the_rules_that_they_will_have) {
    const auto common = awaited({}, with_rule({interface_named("wan0")}, "inet"), kHostInterfaces, {});
    ASSERT_EQ(common.size(), 1);
    EXPECT_EQ(common[0].rules->run_order(core::HeadType::kInet, core::Direction::kIn).size(), 1);
    EXPECT_TRUE(common[0].rules->run_order(kAwaitedSlot, core::Direction::kIn).empty());
    const auto own =
        awaited({}, with_rule({interface_named("wan*"), interface_named("wan0")}, "wan*"), kHostInterfaces, {});
    ASSERT_EQ(own.size(), 1);
    EXPECT_EQ(own[0].rules->run_order(kAwaitedSlot, core::Direction::kIn).size(), 1)
        << "links of a pattern are its links";
    EXPECT_TRUE(own[0].rules->run_order(kAwaitedSlot, core::Direction::kOut).empty());
}

TEST(Awaited, are_none_whose_rules_stay_as_they_are) {
    const config::Model next = with_rule({interface_named("wan0")}, "inet");
    config::Model now = next;
    EXPECT_TRUE(awaited(now, next, kHostInterfaces, {}).empty());
    now.hooks[0].program[0].k = 0; // NOLINT(readability-magic-numbers)
    EXPECT_EQ(awaited(now, next, kHostInterfaces, {}).size(), 1) << "its program is another one";
    now = next;
    now.interfaces[0].mode = core::HeadMode::kTap;
    EXPECT_EQ(awaited(now, next, kHostInterfaces, {}).size(), 1) << "it was to be tapped only";
    EXPECT_TRUE(awaited(next, now, kHostInterfaces, {}).empty()) << "it is to be tapped only";
}

TEST(Awaited, are_none_that_only_a_pattern_would_mean_and_none_that_is_left_alone) {
    config::Model next = with_rule({interface_named("wan*"), interface_named("eth1")}, "inet");
    next.interfaces[0].wanted = false;
    EXPECT_TRUE(awaited({}, next, kHostInterfaces, {}).empty());
}

} // namespace
} // namespace pfild::guard
