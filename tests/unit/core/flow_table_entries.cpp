// SPDX-License-Identifier: BSD-2-Clause
// The flow table without a kernel: a small model of a head stands where the heads are, and asks what they would ask.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/flow/flow_entry.h"
#include "core/flow/flow_table.h"
#include "tests/unit/core/flow_memory.h"

namespace pfild::core {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStart = 1000 * kSecond;

FlowKey flow(std::uint16_t port, std::uint8_t protocol = 17, std::uint32_t ifindex = 7) {
    FlowKey key{};
    key.ifindex = ifindex;
    key.family = 4;
    key.protocol = protocol;
    key.remote[0] = 0x010200c0;
    key.local[0] = 0x020200c0;
    key.remote_port = port;
    return key;
}

class FlowTableEntries : public ::testing::Test {
  protected:
    /// A packet that the head sends up; what its label says.
    std::uint16_t diverted(const FlowKey& key, Direction direction = Direction::kIn) {
        pfild_flow* entry = memory_.seen_by_head(key);
        if (entry == nullptr) {
            return 0;
        }
        entry->lane[core::index(direction)].diverted++;
        return static_cast<std::uint16_t>(entry->incarnation);
    }
    void settled(const FlowKey& key, Direction direction = Direction::kIn) {
        if (pfild_flow* entry = memory_.seen_by_head(key)) {
            entry->lane[core::index(direction)].settled++;
        }
    }
    /// What the head would do with a packet of the flow now, the idle time apart: what the entry says, once nothing is
    /// on its way.
    [[nodiscard]] pfild_flow_answer answer(const FlowKey& key, Direction direction = Direction::kIn) {
        const pfild_flow* entry = memory_.seen_by_head(key);
        if (entry == nullptr) {
            return PFILD_FLOW_ASK;
        }
        const std::size_t which = core::index(direction);
        const bool over = entry->lane[which].diverted + entry->credit[which] == entry->lane[which].settled;
        return over ? static_cast<pfild_flow_answer>(PFILD_FLOW_ANSWER(entry->decision, which)) : PFILD_FLOW_ASK;
    }
    void decided(const FlowKey& key, std::uint16_t incarnation, bool passed = true, bool lasts = true,
                 Direction direction = Direction::kIn) {
        table_.note({.key = key,
                     .direction = direction,
                     .incarnation = incarnation,
                     .passed = passed,
                     .lasts = lasts,
                     .generation = generation_,
                     .now_ns = now_});
    }
    /// A packet there and back, none other on the way.
    void carry(const FlowKey& key, bool passed = true, bool lasts = true) {
        const std::uint16_t incarnation = diverted(key);
        decided(key, incarnation, passed, lasts);
        if (passed) {
            settled(key);
        }
    }
    void at(std::uint64_t seconds) { now_ = kStart + seconds * kSecond; }

    FlowMemoryOf memory_{8};
    FlowTable table_{memory_.view(), {.tcp_ns = 300 * kSecond, .other_ns = 60 * kSecond}, 42};
    std::uint32_t generation_ = 1;
    std::uint64_t now_ = kStart;
};

TEST_F(FlowTableEntries, the_first_packet_makes_an_entry_and_the_second_shows_that_none_is_behind_the_first) {
    carry(flow(1));
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_ASK);
    carry(flow(1));
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_PASS);
    EXPECT_EQ(answer(flow(1), Direction::kOut), PFILD_FLOW_ASK) << "nothing was decided in the other direction";
}

TEST_F(FlowTableEntries, a_packet_that_has_none_behind_it_is_enough) {
    table_.note({.key = flow(1), .passed = true, .alone = true, .lasts = true, .generation = 1, .now_ns = now_});
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_ASK) << "it is on its way down";
    settled(flow(1));
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_PASS);
}

TEST_F(FlowTableEntries, what_is_dropped_is_known_at_once_for_it_can_not_be_overtaken) {
    carry(flow(1), false);
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_DROP);
}

TEST_F(FlowTableEntries, no_packet_passes_in_the_kernel_while_an_earlier_one_is_on_its_way) {
    const std::uint16_t none = diverted(flow(1)); // three come up before there is an entry
    EXPECT_EQ(none, 0);
    decided(flow(1), none);                              // the first is decided: an entry
    const std::uint16_t incarnation = diverted(flow(1)); // the head has seen it, two uncounted are still in front
    EXPECT_NE(incarnation, 0);
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_ASK);
    decided(flow(1), none);
    decided(flow(1), none);
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_ASK);
    settled(flow(1));
    settled(flow(1));
    settled(flow(1));
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_ASK) << "the counted one is not through";
    decided(flow(1), incarnation);
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_ASK) << "decided, but still on its way down";
    settled(flow(1));
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_PASS);
}

TEST_F(FlowTableEntries, a_packet_that_ends_in_the_engine_is_not_waited_for) {
    carry(flow(1));
    const std::uint16_t dropped = diverted(flow(1));
    decided(flow(1), dropped, false, false); // by a hook that looks at more than the flow
    carry(flow(1));
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_PASS);
}

TEST_F(FlowTableEntries, an_answer_that_does_not_last_makes_no_entry) {
    carry(flow(1), true, false);
    carry(flow(1), false, false);
    EXPECT_EQ(table_.counter(FlowCounter::kInUse), 0U);
    EXPECT_EQ(memory_.hints(), 0U);
}

TEST_F(FlowTableEntries, an_answer_of_newer_rules_does_not_make_the_other_directions_old_one_newer) {
    carry(flow(1), false);
    decided(flow(1), diverted(flow(1), Direction::kOut), false, true, Direction::kOut);
    generation_ = 2;
    decided(flow(1), diverted(flow(1)), false);
    const pfild_flow& entry = *table_.find(flow(1));
    EXPECT_EQ(PFILD_FLOW_GENERATION(entry.decision), 2U);
    EXPECT_EQ(PFILD_FLOW_ANSWER(entry.decision, 0), PFILD_FLOW_DROP);
    EXPECT_EQ(PFILD_FLOW_ANSWER(entry.decision, 1), PFILD_FLOW_ASK);
}

TEST_F(FlowTableEntries, a_full_table_refuses_new_flows_counts_them_and_keeps_the_old) {
    for (std::uint16_t port = 1; port <= 20; port++) {
        carry(flow(port), false);
    }
    EXPECT_EQ(table_.counter(FlowCounter::kInUse), 8U);
    EXPECT_EQ(table_.counter(FlowCounter::kRefused), 12U);
    for (std::uint16_t port = 1; port <= 20; port++) {
        EXPECT_EQ(answer(flow(port)), port <= 8 ? PFILD_FLOW_DROP : PFILD_FLOW_ASK) << port;
    }
}

TEST_F(FlowTableEntries, a_flow_whose_buckets_are_full_is_refused_and_its_slot_stays_free) {
    for (pfild_flow_bucket& bucket : memory_.view().buckets) {
        std::fill(std::begin(bucket.hint), std::end(bucket.hint), PFILD_HINT(0, 7));
    }
    carry(flow(1), false);
    EXPECT_EQ(table_.counter(FlowCounter::kRefused), 1U);
    EXPECT_EQ(table_.find(flow(1)), nullptr);
    for (pfild_flow_bucket& bucket : memory_.view().buckets) {
        bucket = {};
    }
    for (std::uint16_t port = 1; port <= 8; port++) {
        carry(flow(port), false);
    }
    EXPECT_EQ(table_.counter(FlowCounter::kInUse), 8U);
}

TEST_F(FlowTableEntries, die_when_they_were_idle_for_as_long_as_their_protocol_may_be) {
    carry(flow(1), false);
    carry(flow(2, 6), false);
    for (pfild_flow& entry : memory_.view().entries) {
        entry.lane[0].packets = entry.key.family != 0 ? 1 : 0; // the kernel has answered
    }
    table_.age(now_);
    at(59);
    table_.age(now_);
    EXPECT_EQ(table_.counter(FlowCounter::kInUse), 2U);
    at(75);
    table_.age(now_);
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_ASK);
    EXPECT_EQ(answer(flow(2, 6)), PFILD_FLOW_DROP);
    at(320);
    table_.age(now_);
    EXPECT_EQ(table_.counter(FlowCounter::kInUse), 0U);
    EXPECT_EQ(table_.counter(FlowCounter::kExpired), 2U);
    EXPECT_EQ(memory_.hints(), 0U);
}

TEST_F(FlowTableEntries, die_soon_when_the_first_packet_was_the_only_one) {
    carry(flow(1, 6), false);
    carry(flow(2, 6), false);
    carry(flow(2, 6), false);
    table_.age(now_);
    at(21);
    table_.age(now_);
    EXPECT_EQ(table_.find(flow(1, 6)), nullptr);
    EXPECT_NE(table_.find(flow(2, 6)), nullptr);
    EXPECT_EQ(table_.counter(FlowCounter::kExpired), 1U);
}

TEST_F(FlowTableEntries, live_on_while_the_heads_see_them) {
    carry(flow(1), false);
    memory_.seen_by_head(flow(1))->lane[1].packets = 1;
    table_.age(now_);
    at(50);
    memory_.seen_by_head(flow(1))->lane[1].last_seen_ns = now_;
    at(100);
    table_.age(now_);
    EXPECT_EQ(table_.counter(FlowCounter::kInUse), 1U);
    at(125);
    table_.age(now_);
    EXPECT_EQ(table_.counter(FlowCounter::kInUse), 0U);
}

TEST_F(FlowTableEntries, a_slot_is_not_given_away_while_a_head_may_still_look_at_it) {
    for (std::uint16_t port = 1; port <= 8; port++) {
        carry(flow(port), false);
    }
    const std::uint32_t before = table_.find(flow(3))->incarnation;
    EXPECT_EQ(table_.remove_if([](const FlowKey& key) { return key.remote_port == 3; }, now_), 1U);
    carry(flow(30), false);
    EXPECT_EQ(table_.find(flow(30)), nullptr);
    now_ += kSecond;
    carry(flow(30), false);
    ASSERT_NE(table_.find(flow(30)), nullptr);
    EXPECT_NE(table_.find(flow(30))->incarnation, before) << "or labels of before would count for it";
}

TEST_F(FlowTableEntries, a_label_of_an_entry_that_is_gone_counts_for_no_other) {
    carry(flow(1), false);
    const std::uint16_t incarnation = diverted(flow(1));
    EXPECT_EQ(table_.remove_if([](const FlowKey&) { return true; }, now_), 1U);
    decided(flow(1), incarnation); // makes a new entry, at another place
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_ASK) << "packets behind it may be uncounted";
    settled(flow(1));
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_ASK);
    carry(flow(1));
    EXPECT_EQ(answer(flow(1)), PFILD_FLOW_PASS);
}

TEST_F(FlowTableEntries, a_flow_that_was_idle_waits_again_for_what_comes_up_first) {
    carry(flow(1));
    carry(flow(1));
    at(65); // heads ask about it now, the entry is still there
    const std::uint16_t incarnation = diverted(flow(1));
    decided(flow(1), incarnation);
    EXPECT_EQ(table_.find(flow(1))->published_ns[0], now_) << "or it would be forced at once";
    now_ += 1000;
    decided(flow(1), diverted(flow(1)));
    EXPECT_EQ(table_.find(flow(1))->published_ns[0], now_ - 1000) << "a packet that is lost must not hold it for ever";
}

TEST_F(FlowTableEntries, a_sweep_looks_at_a_part_of_a_large_table_and_says_when_there_is_more) {
    constexpr std::size_t kEntries = 100'000;
    FlowMemoryOf memory(kEntries);
    FlowTable table(memory.view(), {}, 1);
    for (std::uint32_t i = 0; i < kEntries; i += 2) { // every free place is taken in turn
        FlowKey key = flow(static_cast<std::uint16_t>(i));
        key.remote[0] = i;
        table.note({.key = key, .passed = false, .lasts = true, .now_ns = now_});
    }
    EXPECT_EQ(table.counter(FlowCounter::kInUse), kEntries / 2);
    now_ += 100 * kSecond;
    EXPECT_TRUE(table.age(now_));
    EXPECT_GT(table.counter(FlowCounter::kInUse), kEntries / 3);
    while (table.age(now_)) {
    }
    EXPECT_EQ(table.counter(FlowCounter::kInUse), 0U);
    EXPECT_FALSE(table.age(now_ + kSecond)) << "nothing is there to grow old";
}

TEST_F(FlowTableEntries, are_removed_by_interface_and_the_rest_is_still_found) {
    for (std::uint16_t port = 1; port <= 8; port++) {
        carry(flow(port, 17, port % 2 == 0 ? 7 : 9), false);
    }
    EXPECT_EQ(table_.remove_if([](const FlowKey& key) { return key.ifindex == 9; }, now_), 4U);
    for (std::uint16_t port = 1; port <= 8; port++) {
        const FlowKey key = flow(port, 17, port % 2 == 0 ? 7 : 9);
        EXPECT_EQ(table_.find(key) != nullptr, port % 2 == 0) << port;
        EXPECT_EQ(memory_.seen_by_head(key) != nullptr, port % 2 == 0) << port;
    }
    EXPECT_EQ(table_.counter(FlowCounter::kRemoved), 4U);
}

TEST_F(FlowTableEntries, are_found_again_by_the_next_run_and_heads_see_them_all_the_while) {
    carry(flow(1), false);
    carry(flow(2), false);
    const pfild_flow_state before = *memory_.view().state;
    FlowTable next(memory_.view(), {}, 7);
    EXPECT_EQ(std::memcmp(&before, memory_.view().state, sizeof(before)), 0) << "heads hash by it";
    EXPECT_EQ(next.counter(FlowCounter::kInUse), 2U);
    EXPECT_EQ(memory_.hints(), 2U);
    ASSERT_NE(next.find(flow(2)), nullptr);
    EXPECT_EQ(PFILD_FLOW_ANSWER(next.find(flow(2))->decision, 0), PFILD_FLOW_DROP);
    EXPECT_EQ(memory_.seen_by_head(flow(2)), next.find(flow(2)));
}

// Thousands of comings and goings against a std::map: the index must never lose a flow or find one that is gone.
TEST(FlowTableIndex, finds_what_is_there_and_nothing_else_through_many_changes) {
    FlowMemoryOf memory(256);
    FlowTable table(memory.view(), {}, 1);
    std::map<std::uint16_t, bool> there;
    std::uint64_t now = kStart;
    std::uint32_t state = 1;
    for (int step = 0; step < 20000; step++) {
        state = state * 1664525 + 1013904223;
        const auto port = static_cast<std::uint16_t>(state >> 23U); // 512 of them
        now += 100'000'000;
        if (there[port]) {
            EXPECT_EQ(table.remove_if([&](const FlowKey& key) { return key.remote_port == port; }, now), 1U);
            there[port] = false;
        } else {
            table.note({.key = flow(port), .passed = false, .lasts = true, .now_ns = now});
            there[port] = table.find(flow(port)) != nullptr;
        }
        if (step % 500 == 0) {
            for (const auto& [known, present] : there) {
                ASSERT_EQ(table.find(flow(known)) != nullptr, present) << step << ' ' << known;
                ASSERT_EQ(memory.seen_by_head(flow(known)) != nullptr, present);
            }
            ASSERT_EQ(memory.hints(), table.counter(FlowCounter::kInUse));
        }
    }
}

} // namespace
} // namespace pfild::core
