// SPDX-License-Identifier: BSD-2-Clause
// The pool: every buffer has one holder, and the counts say so at every moment.
#include <array>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "tests/unit/core/buffers.h"

namespace pfild::core {
namespace {

constexpr Holder kSocketA = kFirstSocket;
constexpr Holder kSocketB = kFirstSocket + 1;

void expect_counts(const BufferPool& pool, std::uint32_t free, std::uint32_t rings, std::uint32_t in_flight) {
    for (const BufferCounts& counts : {pool.counts(), pool.census()}) {
        EXPECT_EQ(counts.free, free);
        EXPECT_EQ(counts.rings, rings);
        EXPECT_EQ(counts.in_flight, in_flight);
        EXPECT_TRUE(counts.balanced());
    }
}

BufferIndex lend_one(BufferPool& pool, Holder holder) {
    BufferIndex buffer = kNoBuffer;
    EXPECT_EQ(pool.lend({&buffer, 1}, holder), 1U);
    return buffer;
}

TEST(BufferPool, begins_with_all_buffers_free_and_lends_buffer_0_first) {
    Buffers buffers(4);
    expect_counts(buffers.pool(), 4, 0, 0);
    EXPECT_EQ(lend_one(buffers.pool(), kSocketA), 0U);
}

TEST(BufferPool, counts_a_buffer_through_receive_and_transmit) {
    Buffers buffers(4);
    BufferPool& pool = buffers.pool();
    const BufferIndex buffer = lend_one(pool, kSocketA);
    expect_counts(pool, 3, 1, 0);
    EXPECT_TRUE(pool.collect(buffer, kSocketA));
    expect_counts(pool, 3, 0, 1);
    pool.hand(buffer, kSocketB);
    expect_counts(pool, 3, 1, 0);
    EXPECT_TRUE(pool.restore(buffer, kSocketB));
    expect_counts(pool, 4, 0, 0);
}

TEST(BufferPool, lends_what_there_is_when_asked_for_more) {
    Buffers buffers(4);
    std::array<BufferIndex, 6> out{};
    EXPECT_EQ(buffers.pool().lend(out, kSocketA), 4U);
    expect_counts(buffers.pool(), 0, 4, 0);
    EXPECT_EQ(buffers.pool().lend(out, kSocketA), 0U);
    expect_counts(buffers.pool(), 0, 4, 0);
}

TEST(BufferPool, refuses_a_buffer_from_who_does_not_hold_it) {
    Buffers buffers(4);
    BufferPool& pool = buffers.pool();
    const BufferIndex buffer = lend_one(pool, kSocketA);
    EXPECT_FALSE(pool.collect(buffer, kSocketB)) << "another socket holds it";
    EXPECT_FALSE(pool.restore(buffer, kSocketB)) << "another socket holds it";
    EXPECT_FALSE(pool.collect(3, kSocketA)) << "it is free";
    EXPECT_FALSE(pool.collect(4, kSocketA)) << "there is no such buffer";
    EXPECT_FALSE(pool.restore(kNoBuffer, kSocketA)) << "there is no such buffer";
    EXPECT_FALSE(pool.restore(3, kHeldByPool)) << "what is free cannot be freed again";
    expect_counts(pool, 3, 1, 0);
    EXPECT_TRUE(pool.restore(buffer, kSocketA));
    EXPECT_FALSE(pool.restore(buffer, kSocketA)) << "given back twice";
    expect_counts(pool, 4, 0, 0);
}

TEST(BufferPool, reclaims_what_one_socket_holds_and_nothing_else) {
    Buffers buffers(8);
    BufferPool& pool = buffers.pool();
    std::array<BufferIndex, 3> three{};
    EXPECT_EQ(pool.lend(three, kSocketA), 3U);
    EXPECT_EQ(pool.lend(std::span(three).first(2), kSocketB), 2U);
    static_cast<void>(lend_one(pool, kHeldByEngine));
    EXPECT_EQ(pool.reclaim(kSocketA), 3U);
    expect_counts(pool, 5, 2, 1);
    EXPECT_EQ(pool.reclaim(kSocketA), 0U);
}

TEST(BufferPool, knows_the_buffer_of_an_address) {
    Buffers buffers(4, 2048);
    const BufferPool& pool = buffers.pool();
    struct Row {
        std::uint64_t address;
        BufferIndex buffer;
    };
    for (const Row& row : {Row{0, 0}, Row{2047, 0}, Row{2048, 1}, Row{8191, 3}, Row{8192, kNoBuffer},
                           Row{~std::uint64_t{0}, kNoBuffer}}) {
        EXPECT_EQ(pool.at(row.address), row.buffer) << row.address;
    }
    EXPECT_EQ(pool.offset(3), 3U * 2048);
    EXPECT_EQ(pool.start(2) - pool.start(0), 2 * 2048);
}

TEST(BufferPool, counts_stay_right_over_20000_random_moves) {
    constexpr std::uint32_t kCount = 32;
    Buffers buffers(kCount);
    BufferPool& pool = buffers.pool();
    std::map<BufferIndex, Holder> model; // who holds what is not free
    std::mt19937 random(1);
    for (int step = 0; step < 20000; step++) {
        const auto buffer = static_cast<BufferIndex>(random() % kCount);
        const auto holder = static_cast<Holder>(kHeldByEngine + random() % 3);
        const bool held = model.count(buffer) != 0 && model[buffer] == holder;
        switch (random() % 4) {
        case 0: {
            BufferIndex lent = kNoBuffer;
            ASSERT_EQ(pool.lend({&lent, 1}, holder), model.size() == kCount ? 0U : 1U);
            if (lent != kNoBuffer) {
                ASSERT_TRUE(model.emplace(lent, holder).second) << "lent twice";
            }
            break;
        }
        case 1:
            ASSERT_EQ(pool.collect(buffer, holder), held);
            if (held) {
                model[buffer] = kHeldByEngine;
            }
            break;
        case 2:
            ASSERT_EQ(pool.restore(buffer, holder), held);
            if (held) {
                model.erase(buffer);
            }
            break;
        default:
            if (held && holder == kHeldByEngine) {
                pool.hand(buffer, kSocketB);
                model[buffer] = kSocketB;
            }
        }
        ASSERT_TRUE(pool.counts().balanced());
        ASSERT_EQ(pool.counts().free, kCount - model.size());
    }
    EXPECT_EQ(pool.counts().in_flight, pool.census().in_flight);
    EXPECT_EQ(pool.counts().rings, pool.census().rings);
}

} // namespace
} // namespace pfild::core
