// SPDX-License-Identifier: BSD-2-Clause
// Where keys are in the flow table's index: how even, how full, how secret, and what is left after a crash.
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "core/flow/flow_entry.h"
#include "tests/unit/core/flow_memory.h"

namespace pfild::core {
namespace {

/// Keys as an attacker or a load generator makes them: they differ in a few bits only.
FlowKey key_number(std::uint32_t number) {
    FlowKey key{};
    key.ifindex = 7;
    key.family = 4;
    key.protocol = 17;
    key.remote[0] = 0x0a000000 + number / 1024;
    key.local[0] = 0x020200c0;
    key.remote_port = static_cast<__be16>(number % 1024);
    return key;
}

TEST(FlowIndex, has_room_for_as_many_keys_as_there_are_slots) {
    constexpr std::uint32_t kEntries = 65'536;
    for (const std::uint64_t seed : {1, 2, 3}) {
        FlowMemoryOf memory(kEntries);
        FlowIndex index(memory.view(), seed);
        std::size_t refused = 0;
        for (std::uint32_t place = 0; place < kEntries; place++) {
            write_key(memory.view().entries[place], key_number(place));
            refused += index.insert(key_number(place), place) ? 0 : 1;
        }
        EXPECT_LE(refused, 1U) << seed;
        EXPECT_EQ(memory.hints() + refused, kEntries);
        std::size_t lost = 0;
        for (std::uint32_t place = 0; place < kEntries; place++) {
            lost += index.find(key_number(place)) == place ? 0 : 1;
        }
        EXPECT_EQ(lost, refused) << seed;
    }
}

TEST(FlowIndex, puts_nearly_every_key_into_the_first_of_its_buckets) {
    constexpr std::uint32_t kEntries = 16'384;
    FlowMemoryOf memory(kEntries);
    FlowIndex index(memory.view(), 5);
    std::size_t elsewhere = 0;
    for (std::uint32_t place = 0; place < kEntries; place++) {
        const FlowKey key = key_number(place);
        write_key(memory.view().entries[place], key);
        ASSERT_TRUE(index.insert(key, place));
        const pfild_flow_hash hash = pfild_flow_hash_of(&key, memory.view().state);
        const pfild_flow_bucket& first = memory.view().buckets[hash.bucket[0]];
        const auto* end = std::end(first.hint);
        elsewhere += std::find(std::begin(first.hint), end, PFILD_HINT(hash.tag, place)) == end ? 1 : 0;
    }
    EXPECT_LT(elsewhere, kEntries / 100); // a random function leaves some 0.03 %
}

TEST(FlowIndex, places_keys_by_every_one_of_their_words_and_by_a_secret) {
    FlowMemoryOf one(65'536);
    FlowMemoryOf other(65'536);
    const FlowIndex first(one.view(), 1);
    const FlowIndex second(other.view(), 2);
    const auto buckets = [](const FlowKey& key, FlowMemoryOf& memory) {
        const pfild_flow_hash hash = pfild_flow_hash_of(&key, memory.view().state);
        return std::vector<std::uint32_t>{hash.bucket[0], hash.bucket[1], hash.tag};
    };
    const FlowKey key = key_number(1);
    EXPECT_NE(buckets(key, one), buckets(key, other));
    std::set<std::vector<std::uint32_t>> places{buckets(key, one)};
    for (std::size_t word = 0; word < PFILD_FLOW_KEY_WORDS; word++) {
        for (const std::uint32_t bit : {0U, 15U, 31U}) {
            FlowKey changed = key;
            reinterpret_cast<std::uint32_t*>(&changed)[word] ^= 1U << bit;
            places.insert(buckets(changed, one));
        }
    }
    EXPECT_EQ(places.size(), 1U + 3 * PFILD_FLOW_KEY_WORDS);
}

TEST(FlowIndex, after_an_earlier_run_only_entries_that_lead_from_a_key_to_its_entry_are_left) {
    FlowMemoryOf memory(16);
    FlowIndex index(memory.view(), 9);
    for (std::uint32_t place = 0; place < 4; place++) {
        write_key(memory.view().entries[place], key_number(place));
        ASSERT_TRUE(index.insert(key_number(place), place));
    }
    write_key(memory.view().entries[1], FlowKey{});     // was being removed
    write_key(memory.view().entries[2], key_number(3)); // whatever did that
    write_key(memory.view().entries[8], key_number(8)); // was being made
    const pfild_flow_hash hash = [&] {
        const FlowKey key = key_number(0);
        return pfild_flow_hash_of(&key, memory.view().state);
    }();
    const auto bucket_without = [&](std::uint32_t unwanted) -> pfild_flow_bucket& {
        return memory.view().buckets[unwanted == 0 ? 1 : 0];
    };
    bucket_without(hash.bucket[0]).hint[7] = PFILD_HINT(hash.tag + 1, 0); // another tag, or another bucket
    memory.view().buckets[5].hint[6] = PFILD_HINT(1, 16);                 // past the end
    memory.view().buckets[5].hint[7] = ~0ULL;
    const std::vector<bool> found = index.adopt();
    for (std::uint32_t place = 0; place < 16; place++) {
        EXPECT_EQ(found[place], place == 0 || place == 3) << place;
    }
    EXPECT_EQ(memory.hints(), 2U);
    EXPECT_EQ(index.find(key_number(0)), 0U);
    EXPECT_EQ(index.find(key_number(3)), 3U);
}

} // namespace
} // namespace pfild::core
