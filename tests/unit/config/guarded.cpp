// SPDX-License-Identifier: BSD-2-Clause
// Which interfaces a model means: by name, alternative name and pattern, and which of them counts.
#include "config/guarded.h"

#include <gtest/gtest.h>

#include "config/edit.h"

namespace pfild::config {
namespace {

using core::FailMode;

const core::Directions kOnlyIn{true, false};
const core::Directions kInAndOut{true, true};

HostInterface host_interface(std::uint32_t ifindex, const char* name, std::vector<std::string> altnames = {}) {
    return {.ifindex = ifindex, .name = name, .altnames = std::move(altnames)};
}

Model model_of(std::vector<Interface> interfaces, std::vector<Link> links = {}) {
    Model model{.interfaces = std::move(interfaces), .links = std::move(links)};
    for (const char* name : {"a:a", "a:b"}) {
        model.hooks.push_back({.name = name, .type = core::HeadType::kEthernet, .program = {{0x06, 0, 0, 1}}});
    }
    put_in_order(model);
    return model;
}

std::vector<std::string> order(const Guarded& here, const char* head, core::Direction direction) {
    return run_order(links_at(here.model, head), direction);
}

TEST(Guarded, finds_an_interface_by_any_of_its_names) {
    const std::string longest(127, 'n');
    const std::vector<HostInterface> host_interfaces{host_interface(2, "eth0", {"enp9s0", longest}),
                                                     host_interface(3, "eth1")};
    for (const std::string& name : {std::string("eth0"), std::string("enp9s0"), longest}) {
        const Guarded here = guarded(model_of({{.name = name}}), host_interfaces);
        ASSERT_EQ(here.model.interfaces.size(), 1U) << name;
        EXPECT_EQ(here.model.interfaces[0].name, "eth0");
        EXPECT_EQ(here.items.at("eth0"), name);
        EXPECT_TRUE(here.missing.empty());
    }
    EXPECT_EQ(find_host_interface(host_interfaces, "enp9s0")->ifindex, 2U);
    EXPECT_EQ(find_host_interface(host_interfaces, "enp9s1"), nullptr);
}

TEST(Guarded, tells_what_is_missing_and_guards_the_rest) {
    const Guarded here =
        guarded(model_of({{.name = "eth0"}, {.name = "late0"}, {.name = "veth*"}}), {host_interface(2, "eth0")});
    EXPECT_EQ(here.missing, std::set<std::string>{"late0"});
    ASSERT_EQ(here.model.interfaces.size(), 1U);
}

TEST(Guarded, the_closest_item_says_how) {
    const auto item = [](const char* name, FailMode unknown) { return Interface{.name = name, .unknown = unknown}; };
    const std::vector<HostInterface> host_interfaces{host_interface(5, "veth12", {"box"})};
    const std::vector<Interface> items{item("*", FailMode::kPass), item("veth*", FailMode::kPass),
                                       item("veth1?", FailMode::kPass), item("box", FailMode::kPass),
                                       item("veth12", FailMode::kPass)};
    for (std::size_t closest = 0; closest < items.size(); ++closest) {
        std::vector<Interface> some(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(closest) + 1);
        some.back().unknown = FailMode::kDrop;
        const Guarded here = guarded(model_of(some), host_interfaces);
        ASSERT_EQ(here.model.interfaces.size(), 1U);
        EXPECT_EQ(here.items.at("veth12"), items[closest].name);
        EXPECT_EQ(here.model.interfaces[0].unknown, FailMode::kDrop);
    }
    const Guarded same_length = guarded(model_of({item("ve*1*", FailMode::kDrop), item("vet*1", FailMode::kPass)}),
                                        {host_interface(1, "veth1")});
    EXPECT_EQ(same_length.items.at("veth1"), "ve*1*");
}

TEST(Guarded, a_pattern_means_names_of_the_kernel_only_and_neither_lo_nor_ports) {
    std::vector<HostInterface> host_interfaces{host_interface(2, "eth0", {"veth9"}), host_interface(1, "lo"),
                                               host_interface(7, "pfp2"), host_interface(8, "inet")};
    host_interfaces[1].only_by_name = host_interfaces[2].only_by_name = true;
    EXPECT_TRUE(guarded(model_of({{.name = "veth*"}}), host_interfaces).model.interfaces.empty());
    const Guarded all = guarded(model_of({{.name = "*"}}), host_interfaces);
    ASSERT_EQ(all.model.interfaces.size(), 1U) << "and none that is called as a head is";
    EXPECT_EQ(all.model.interfaces[0].name, "eth0");
    EXPECT_EQ(
        guarded(model_of({{.name = "lo", .mode = core::HeadMode::kTap}}), host_interfaces).model.interfaces.size(), 1U);
}

TEST(Guarded, leaves_alone_what_is_not_wanted) {
    const Model model =
        model_of({{.name = "veth*"}, {.name = "veth-x*", .wanted = false}, {.name = "veth3", .wanted = false}});
    const Guarded here =
        guarded(model, {host_interface(2, "veth2"), host_interface(3, "veth3"), host_interface(4, "veth-x1")});
    ASSERT_EQ(here.model.interfaces.size(), 1U);
    EXPECT_EQ(here.model.interfaces[0].name, "veth2");
    EXPECT_TRUE(here.missing.empty());
}

TEST(Guarded, links_of_patterns_and_names_all_count_and_those_of_names_are_nearer_the_wire) {
    const Model model = model_of(
        {{.name = "veth*"}, {.name = "veth3"}, {.name = "box"}},
        {{"a:a", "veth*", kInAndOut}, {"a:b", "veth3", kOnlyIn}, {"a:a", "veth3", kInAndOut}, {"a:b", "box", kOnlyIn}});
    const Guarded here =
        guarded(model, {host_interface(3, "veth3"), host_interface(4, "veth4", {"box"}), host_interface(5, "veth5")});
    EXPECT_EQ(order(here, "veth3", core::Direction::kIn), (std::vector<std::string>{"a:b", "a:a"}));
    EXPECT_EQ(order(here, "veth3", core::Direction::kOut), std::vector<std::string>{"a:a"}) << "once";
    EXPECT_EQ(order(here, "veth4", core::Direction::kIn), (std::vector<std::string>{"a:b", "a:a"}));
    EXPECT_EQ(order(here, "veth5", core::Direction::kIn), std::vector<std::string>{"a:a"});
}

TEST(Guarded, an_interface_that_is_only_tapped_has_no_links) {
    const Model model =
        model_of({{.name = "veth*"}, {.name = "veth3", .mode = core::HeadMode::kTap}}, {{"a:a", "veth*", kInAndOut}});
    const Guarded here = guarded(model, {host_interface(3, "veth3"), host_interface(4, "veth4")});
    EXPECT_TRUE(links_at(here.model, "veth3").empty());
    EXPECT_EQ(links_at(here.model, "veth4").size(), 1U);
}

TEST(Edit, links_a_single_interface_that_a_pattern_means) {
    Model model = model_of({{.name = "veth*"}});
    EXPECT_TRUE(link(model, {"a:a", "veth3", kOnlyIn}));
    EXPECT_TRUE(link(model, {"a:b", "veth*", kOnlyIn}));
    EXPECT_EQ(link(model, {"a:a", "eth3", kOnlyIn}).error().code, ENOENT);
    EXPECT_EQ(link(model, {"a:a", "veth?", kOnlyIn}).error().code, ENOENT) << "a pattern that is not wanted";
    EXPECT_TRUE(flaws(model).empty());
    ASSERT_TRUE(remove_interface(model, "veth*"));
    EXPECT_TRUE(model.links.empty());
}

TEST(Edit, what_a_verb_left_alone_is_forgotten_when_no_pattern_means_it) {
    Model model = model_of({{.name = "veth*"}}, {{"a:a", "veth3", kOnlyIn}});
    leave_alone(model, "veth3", Owner::kBpfctl);
    EXPECT_TRUE(flaws(model).empty());
    EXPECT_TRUE(model.links.empty());
    forget_left_alone(model);
    EXPECT_EQ(model.interfaces.size(), 2U);
    ASSERT_TRUE(remove_interface(model, "veth*"));
    forget_left_alone(model);
    EXPECT_TRUE(model.interfaces.empty());
}

TEST(Edit, files_that_want_an_interface_beat_a_verb_that_left_it_alone) {
    Model others = model_of({{.name = "veth*"}});
    leave_alone(others, "veth3", Owner::kBpfctl);
    EXPECT_EQ(with_others(model_of({{.name = "veth*"}}), others).interfaces.size(), 1U);
    Model of_bpfctl = model_of({{.name = "veth*", .owner = Owner::kBpfctl}});
    leave_alone(of_bpfctl, "veth3", Owner::kBpfctl);
    EXPECT_EQ(with_others(model_of({}), of_bpfctl).interfaces.size(), 2U);
}

} // namespace
} // namespace pfild::config
