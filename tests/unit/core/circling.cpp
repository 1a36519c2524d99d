// SPDX-License-Identifier: BSD-2-Clause
// Which packet of a lane that is suspected is ended: one that comes again and again, in a short time.
#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "core/circling.h"
#include "tests/unit/core/buffers.h"
#include "tests/unit/core/packet_bytes.h"

namespace pfild::core {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
const Bytes kQuestion = ethernet({}, kTypeIpv4, ipv4(udp(53)));

class CirclingTest : public ::testing::Test {
  protected:
    /// The first turn at which it is ended; 0: it is not.
    std::uint32_t ended(const Bytes& bytes, std::uint32_t turns, std::uint64_t now = 0, std::uint64_t step = 0) {
        for (std::uint32_t turn = 1; turn <= turns; turn++, now += step) {
            if (circling_->ends(buffers_.frame(bytes), now)) {
                return turn;
            }
        }
        return 0;
    }
    Buffers buffers_{8};
    std::unique_ptr<Circling> circling_ = std::make_unique<Circling>();
};

TEST_F(CirclingTest, a_packet_is_ended_when_it_has_come_often_enough_and_then_counted_anew) {
    EXPECT_EQ(ended(kQuestion, 100), Circling::kMostTurns + 1);
    EXPECT_EQ(ended(kQuestion, 100), Circling::kMostTurns + 1);
}

TEST_F(CirclingTest, turns_are_forgotten_after_a_second) {
    EXPECT_EQ(ended(kQuestion, 1'000, 0, kSecondNs / 10), 0U) << "ten a second";
    EXPECT_NE(ended(kQuestion, 1'000, 1'000 * kSecondNs, kSecondNs / 50), 0U) << "the twin: fifty a second";
}

TEST_F(CirclingTest, packets_that_differ_in_one_byte_or_in_length_are_different) {
    for (std::size_t at = 0; at < kQuestion.size(); at++) {
        Bytes other = kQuestion;
        other[at] ^= 1U;
        EXPECT_EQ(ended(kQuestion, Circling::kMostTurns / 2), 0U) << at;
        EXPECT_EQ(ended(other, Circling::kMostTurns / 2), 0U) << at;
        circling_ = std::make_unique<Circling>();
    }
    Bytes longer(200, 0);
    EXPECT_EQ(ended(longer, Circling::kMostTurns), 0U);
    longer.push_back(0);
    EXPECT_EQ(ended(longer, Circling::kMostTurns), 0U) << "of other length, equal as far as is looked";
}

TEST_F(CirclingTest, more_packets_than_there_are_places_are_all_ended) {
    constexpr std::uint32_t kPackets = 20'000;
    std::vector<std::uint32_t> on_their_way(kPackets);
    for (std::uint32_t i = 0; i < kPackets; i++) {
        on_their_way[i] = i;
    }
    for (std::uint64_t turn = 0; turn < 2'000 && !on_their_way.empty(); turn++) {
        std::erase_if(on_their_way, [&](std::uint32_t number) {
            Bytes packet = kQuestion;
            std::memcpy(packet.data() + packet.size() - sizeof(number), &number, sizeof(number));
            return circling_->ends(buffers_.frame(packet), turn * kSecondNs / 100);
        });
    }
    EXPECT_TRUE(on_their_way.empty()) << on_their_way.size();
}

} // namespace
} // namespace pfild::core
