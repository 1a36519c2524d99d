// SPDX-License-Identifier: BSD-2-Clause
// The tap in the heads: which packets are copied, how much of them, and what is said of them.
#include <linux/pkt_cls.h>

#include "tests/prog/tap_test.h"

namespace pfild::tests {
namespace {

using core::Direction;
using core::kEachDirection;

class TappedPackets : public TapTest {};

const Bytes kUdpPacket = ethernet(kTypeIpv4, ipv4(kUdp));

TEST_F(TappedPackets, of_any_size_are_shown_whole_with_what_is_known_of_them) {
    for (const std::size_t size : {15U, 60U, 96U, 97U, 480U, 481U, 1514U, 2016U, 2017U, 3500U}) {
        Bytes frame(size);
        for (std::size_t i = 0; i < size; i++) {
            frame[i] = static_cast<std::uint8_t>(i * 7);
        }
        for (const Direction direction : kEachDirection) {
            timespec now{};
            ::clock_gettime(CLOCK_REALTIME, &now);
            const std::vector<TapCopy> all = tapped(direction, on_watched(frame));
            ASSERT_EQ(all.size(), 1U) << size;
            EXPECT_EQ(all[0].bytes, frame) << size;
            EXPECT_EQ(all[0].facts.wire_length, size);
            EXPECT_EQ(all[0].facts.ifindex, watched());
            EXPECT_EQ(all[0].facts.direction, direction);
            const auto seconds = static_cast<std::int64_t>(all[0].facts.realtime_ns / 1'000'000'000);
            EXPECT_LE(std::abs(seconds - now.tv_sec), 1) << "time of day";
        }
    }
}

TEST_F(TappedPackets, are_cut_to_what_is_wanted) {
    for (const std::uint32_t wanted : {1U, 14U, 20U}) {
        want(wanted);
        const std::vector<TapCopy> all = tapped(Direction::kIn, on_watched(kUdpPacket));
        ASSERT_EQ(all.size(), 1U);
        EXPECT_EQ(all[0].bytes, first(wanted, kUdpPacket));
        EXPECT_EQ(all[0].facts.wire_length, kUdpPacket.size());
    }
}

TEST_F(TappedPackets, are_none_while_nobody_wants_them) {
    want(0);
    for (const Direction direction : kEachDirection) {
        EXPECT_TRUE(tapped(direction, on_watched(kUdpPacket)).empty());
        EXPECT_EQ(lost(direction), 0U);
    }
    ring().want(lane(Direction::kOut), kWhole);
    EXPECT_TRUE(tapped(Direction::kIn, on_watched(kUdpPacket)).empty()) << "each direction for itself";
    EXPECT_EQ(tapped(Direction::kOut, on_watched(kUdpPacket)).size(), 1U) << "the twin";
}

TEST_F(TappedPackets, BD_64_that_come_in_are_shown_also_when_dropped_those_that_go_out_only_when_not) {
    attach(PFILD_FAIL_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT); // and unattended
    EXPECT_EQ(tapped(Direction::kIn, on_watched(kUdpPacket)).size(), 1U);
    EXPECT_EQ(tapped(Direction::kOut, on_watched(kUdpPacket)).size(), 0U);
    attach(PFILD_DIVERT_IN | PFILD_DIVERT_OUT);
    EXPECT_EQ(tapped(Direction::kOut, on_watched(kUdpPacket)).size(), 1U) << "the twin";
}

TEST_F(TappedPackets, that_go_through_the_engine_are_shown_once) {
    attach(PFILD_DIVERT_IN | PFILD_DIVERT_OUT);
    for (const Direction direction : kEachDirection) {
        attend(lane(direction));
        const Scene back = back_again(direction, kUdpPacket);
        const std::size_t there = tapped(direction, on_watched(kUdpPacket)).size();
        EXPECT_EQ(there, direction == Direction::kIn ? 1U : 0U) << "BD-64: in before the hooks, out after them";
        EXPECT_EQ(there + tapped(direction, back).size(), 1U);
    }
}

TEST_F(TappedPackets, have_their_tag_where_it_belongs_wherever_the_kernel_keeps_it) {
    const Bytes tagged = ethernet(kTypeIpv4, ipv4(kUdp), {{}});
    const std::vector<TapCopy> all = tapped(Direction::kIn, on_watched(tagged));
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].bytes, tagged);
    EXPECT_EQ(all[0].facts.wire_length, tagged.size());
}

TEST_F(TappedPackets, pass_an_interface_that_is_only_tapped_whatever_else_is_the_case) {
    attach(PFILD_ONLY_TAPPED | PFILD_FAIL_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT);
    for (const Direction direction : kEachDirection) {
        EXPECT_EQ(head(direction, on_watched(kUdpPacket)).action, kPass);
        EXPECT_EQ(counted(), "");
        EXPECT_EQ(take().size(), 1U);
    }
}

TEST_F(TappedPackets, that_find_no_room_are_counted_and_go_their_way) {
    std::size_t there = 0;
    while (lost(Direction::kIn) < 5 && there < 1000) {
        EXPECT_EQ(head(Direction::kIn, on_watched(kUdpPacket)).action, kPass);
        there++;
    }
    EXPECT_EQ(lost(Direction::kIn), 5U);
    EXPECT_EQ(lost(Direction::kOut), 0U);
    EXPECT_EQ(take().size(), there - 5) << "every one is in the ring or lost";
    EXPECT_EQ(tapped(Direction::kIn, on_watched(kUdpPacket)).size(), 1U) << "there is room again";
}

} // namespace
} // namespace pfild::tests
