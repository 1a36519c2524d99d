// SPDX-License-Identifier: BSD-2-Clause
// The run order of hooks, and whether there is anything to run.
#include <gtest/gtest.h>

#include "tests/unit/core/test_hooks.h"

namespace pfild::core {
namespace {

class PfilOrder : public RegistryTest {
  protected:
    PfilOrder() {
        for (const char* name : {"t:a", "t:b", "t:c"}) {
            add(name);
        }
    }
};

TEST_F(PfilOrder, PF_20_test_1_newest_is_nearest_the_wire) {
    expect_ok(link("t:a", "inet", kBoth));
    expect_ok(link("t:b", "inet", kBoth));
    expect_order("inet", Direction::kIn, {"t:b", "t:a"});
    expect_order("inet", Direction::kOut, {"t:a", "t:b"});
}

TEST_F(PfilOrder, PF_20_test_2_appended_is_furthest_from_the_wire) {
    expect_ok(link("t:a", "inet", kBoth, true));
    expect_ok(link("t:b", "inet", kBoth, true));
    expect_order("inet", Direction::kIn, {"t:a", "t:b"});
    expect_order("inet", Direction::kOut, {"t:b", "t:a"});
}

TEST_F(PfilOrder, PF_20_test_2_default_and_appended_go_to_opposite_ends) {
    expect_ok(link("t:a", "inet", kBoth));
    expect_ok(link("t:b", "inet", kBoth, true));
    expect_ok(link("t:c", "inet", kBoth));
    expect_order("inet", Direction::kIn, {"t:c", "t:a", "t:b"});
    expect_order("inet", Direction::kOut, {"t:b", "t:a", "t:c"});
}

TEST_F(PfilOrder, PF_34_test_3_removal_keeps_the_order_of_the_rest) {
    for (const char* name : {"t:a", "t:b", "t:c"}) {
        expect_ok(link(name, "inet", kBoth));
    }
    expect_ok(unlink("t:b", "inet", kBoth));
    expect_order("inet", Direction::kIn, {"t:c", "t:a"});
    expect_order("inet", Direction::kOut, {"t:a", "t:c"});
    expect_ok(link("t:b", "inet", kIn));
    expect_order("inet", Direction::kIn, {"t:b", "t:c", "t:a"});
    expect_ok(registry_.remove_hook("t:c"));
    expect_order("inet", Direction::kIn, {"t:b", "t:a"});
    expect_order("inet", Direction::kOut, {"t:a"});
}

TEST_F(PfilOrder, PF_34_has_no_limit_of_eight_hooks) {
    Names in;
    for (int i = 0; i < 20; i++) {
        const std::string name = "t:" + std::to_string(i);
        add(name);
        expect_ok(link(name, "inet", kIn));
        in.insert(in.begin(), name);
    }
    expect_order("inet", Direction::kIn, in);
}

TEST_F(PfilOrder, is_each_heads_own) {
    add("t:link", HeadType::kEthernet);
    add("t:other", HeadType::kEthernet);
    expect_ok(link("t:link", "eth0", kBoth));
    expect_ok(link("t:other", "eth0", kBoth));
    expect_ok(link("t:other", "ethernet", kBoth));
    expect_ok(link("t:link", "ethernet", kBoth));
    expect_order("eth0", Direction::kIn, {"t:other", "t:link"});
    expect_order("ethernet", Direction::kIn, {"t:link", "t:other"});
}

TEST_F(PfilOrder, PF_26_a_direction_without_hooks_is_known_as_such) {
    constexpr std::uint8_t kOther = kSlot + 1;
    const auto expect_hooked = [&](bool in, bool out, bool other_in, bool other_out) {
        for (const auto& [slot, direction, expected] :
             {std::tuple{kSlot, Direction::kIn, in}, std::tuple{kSlot, Direction::kOut, out},
              std::tuple{kOther, Direction::kIn, other_in}, std::tuple{kOther, Direction::kOut, other_out}}) {
            EXPECT_EQ(publisher_.snapshot().hooked(slot, direction), expected) << int{slot} << name(direction);
            EXPECT_EQ(registry_.hooked(slot, direction), expected) << int{slot} << name(direction);
        }
    };
    add("t:link", HeadType::kEthernet);
    expect_hooked(false, false, false, false);
    expect_ok(link("t:link", "eth0", kIn));
    expect_hooked(true, false, false, false);
    expect_ok(link("t:a", "inet", kOut));
    expect_hooked(true, true, false, true);
    expect_ok(link("t:link", "ethernet", kIn));
    expect_hooked(true, true, true, true);
    expect_ok(unlink("t:a", "inet", kOut));
    expect_hooked(true, false, true, false);
    expect_ok(registry_.remove_hook("t:link"));
    expect_hooked(false, false, false, false);
}

TEST(PfilSnapshot, keeps_its_hooks_alive_and_takes_the_last_word_for_a_run_order) {
    auto a = hook("t:a", HeadType::kEthernet);
    const std::weak_ptr<Hook> weak = a;
    {
        Snapshot snapshot;
        snapshot.set_run_order({HeadType::kEthernet, 63}, Direction::kOut, std::vector{a});
        a.reset();
        EXPECT_FALSE(weak.expired());
        EXPECT_EQ(names_in(snapshot.run_order(63, Direction::kOut)), Names{"t:a"});
        EXPECT_TRUE(snapshot.run_order(HeadType::kEthernet, Direction::kOut).empty());
        EXPECT_TRUE(snapshot.hooked(63, Direction::kOut));
        EXPECT_FALSE(snapshot.hooked(63, Direction::kIn));
        EXPECT_FALSE(snapshot.hooked(0, Direction::kOut));
        snapshot.set_run_order({HeadType::kEthernet, 63}, Direction::kOut, {});
        EXPECT_FALSE(snapshot.hooked(63, Direction::kOut));
    }
    EXPECT_TRUE(weak.expired());
}

} // namespace
} // namespace pfild::core
