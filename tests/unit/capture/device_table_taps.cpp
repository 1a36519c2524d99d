// SPDX-License-Identifier: BSD-2-Clause
// What the table of devices tells the taps: how much of which packets, whose filters, and what they charge.
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/capture/device_table.h"

namespace pfild::capture {
namespace {

TEST_F(DeviceTables, tell_a_tap_the_most_that_anybody_needs_and_nothing_when_nobody_listens) {
    EXPECT_EQ(taps_.told, 0);
    const DeviceNumber first = open_on("eth0");
    device(first).set_filter(returning(96));
    ASSERT_TRUE(device(first).set_directions(kInOnly).has_value());
    table_.announce();
    EXPECT_EQ(taps_.taps[kEth0], (TapWish{kInOnly, 96}));
    const DeviceNumber second = open_on("any");
    EXPECT_EQ(taps_.taps[kEth0], (TapWish{core::Directions::both(), 32768 - 32}));
    EXPECT_EQ(taps_.taps[kEth1], (TapWish{core::Directions::both(), 32768 - 32}));
    EXPECT_FALSE(taps_.taps.contains(kTun0));
    device(second).replace_filter(returning(60));
    ASSERT_TRUE(device(second).set_directions(kOutOnly).has_value());
    table_.announce();
    EXPECT_EQ(taps_.taps[kEth0], (TapWish{core::Directions::both(), 96}));
    EXPECT_EQ(taps_.taps[kEth1], (TapWish{kOutOnly, 60}));
    ASSERT_TRUE(table_.close(first).has_value());
    table_.announce();
    EXPECT_EQ(taps_.taps[kEth0], (TapWish{kOutOnly, 60}));
    ASSERT_TRUE(table_.close(second).has_value());
    table_.announce();
    EXPECT_EQ(taps_.taps[kEth0], TapWish{});
    EXPECT_EQ(taps_.taps[kEth1], TapWish{});
}

TEST_F(DeviceTables, tell_a_tap_the_filters_of_all_who_listen_unless_one_has_none) {
    using Filters = std::vector<std::uint32_t>;
    const auto in = [&] { return taps_.filters[{kEth0, core::Direction::kIn}]; };
    const auto out = [&] { return taps_.filters[{kEth0, core::Direction::kOut}]; };
    const auto open_with = [&](const char* interface, core::Directions directions, std::optional<std::uint32_t> snap) {
        const DeviceNumber number = open_on(interface);
        EXPECT_TRUE(device(number).set_directions(directions).has_value());
        device(number).set_filter(snap ? std::optional(returning(*snap)) : std::nullopt);
        table_.announce();
        return number;
    };
    const DeviceNumber first = open_with("eth0", core::Directions::both(), 1);
    EXPECT_EQ(in(), Filters{1});
    EXPECT_EQ(out(), Filters{1});
    const DeviceNumber second = open_with("any", kInOnly, 2);
    EXPECT_EQ(in(), (Filters{1, 2}));
    EXPECT_EQ(out(), Filters{1});
    EXPECT_EQ((taps_.filters[{kEth1, core::Direction::kIn}]), Filters{2});
    device(first).replace_filter(returning(3));
    table_.announce();
    EXPECT_EQ(in(), (Filters{3, 2}));
    const DeviceNumber greedy = open_with("eth0", kOutOnly, std::nullopt);
    EXPECT_EQ(out(), Filters{}) << "one wants everything";
    EXPECT_EQ(in(), (Filters{3, 2})) << "but nothing that comes in";
    const int told = taps_.filters_told;
    dispatch(kEth0);
    table_.announce();
    EXPECT_EQ(taps_.filters_told, told) << "nothing has changed";
    for (const DeviceNumber number : {greedy, first}) {
        ASSERT_TRUE(table_.close(number).has_value());
    }
    table_.announce();
    EXPECT_EQ(in(), Filters{2});
    EXPECT_EQ(out(), Filters{});
    ASSERT_TRUE(table_.close(second).has_value());
    table_.announce();
    EXPECT_EQ(in(), Filters{});
}

TEST_F(DeviceTables, tell_a_tap_the_filter_of_who_has_the_number_of_another_now) {
    const DeviceNumber first = open_on("eth0");
    device(first).set_filter(returning(1));
    table_.announce();
    ASSERT_TRUE(table_.close(first).has_value());
    const DeviceNumber second = open_on("eth0"); // nothing announced in between
    EXPECT_EQ(second, first);
    device(second).set_filter(returning(2));
    table_.announce();
    EXPECT_EQ((taps_.filters[{kEth0, core::Direction::kIn}]), std::vector<std::uint32_t>{2});
}

TEST_F(DeviceTables, charge_filtered_to_those_with_a_filter_who_see_that_direction) {
    const DeviceNumber in = open_on("eth0");
    device(in).set_filter(returning(0));
    ASSERT_TRUE(device(in).set_directions(kInOnly).has_value());
    const DeviceNumber out = open_on("eth0");
    device(out).set_filter(returning(0));
    ASSERT_TRUE(device(out).set_directions(kOutOnly).has_value());
    const DeviceNumber all = open_on("eth0");
    table_.charge_filtered(kEth0, core::Direction::kIn, 5);
    EXPECT_EQ(device(in).stats(), (DeviceCounts{.received = 5, .filtered = 5}));
    EXPECT_EQ(device(out).stats(), DeviceCounts{});
    EXPECT_EQ(device(all).stats(), DeviceCounts{}) << "it has seen what there was";
    table_.charge_filtered(77, core::Direction::kIn, 5);
    EXPECT_EQ(table_.strays(), 5U);
}

TEST_F(DeviceTables, are_urgent_while_a_device_with_an_interface_is_immediate) {
    EXPECT_FALSE(table_.is_urgent());
    const DeviceNumber number = open_on("eth0");
    EXPECT_FALSE(table_.is_urgent());
    device(number).set_settings({.immediate = true});
    EXPECT_TRUE(table_.is_urgent());
    table_.remove_interface(kEth0);
    EXPECT_FALSE(table_.is_urgent());
}

TEST_F(DeviceTables, tell_a_tap_nothing_that_it_knows) {
    const DeviceNumber number = open_on("eth0");
    EXPECT_EQ(taps_.told, 1);
    open_on("eth0");
    dispatch(kEth0);
    table_.announce();
    EXPECT_EQ(taps_.told, 1);
    ASSERT_TRUE(table_.close(number).has_value());
    table_.announce();
    EXPECT_EQ(taps_.told, 1) << "the other one needs the same";
}

TEST_F(DeviceTables, tell_no_tap_of_those_who_only_write) {
    open_on("eth0", Access::kWrite);
    open_on("any", Access::kWrite);
    EXPECT_EQ(taps_.told, 0);
    open_on("eth0", Access::kRead);
    EXPECT_EQ(taps_.told, 1);
}

TEST_F(DeviceTables, tell_the_tap_of_a_new_interface_what_any_needs) {
    open_on("any");
    table_.put_interface({.index = 9, .name = "eth9"});
    table_.announce();
    EXPECT_EQ(taps_.taps[9], (TapWish{core::Directions::both(), 32768 - 32}));
}

} // namespace
} // namespace pfild::capture
