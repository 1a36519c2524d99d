// SPDX-License-Identifier: BSD-2-Clause
// The tap in the XDP head: the program that libxdp has put on the interface, run over crafted packets. What it leaves
// to the TC head, that taps.
#include <linux/bpf.h>

#include "daemon/kernel/tap_filters.h"
#include "tests/prog/placed_xdp_head.h"
#include "tests/prog/tap_test.h"

namespace pfild::tests {
namespace {

using core::Direction;

const Bytes kXdpPacket = ethernet(kTypeIpv4, ipv4(kUdp));

class TappedByXdp : public TapTest {
  protected:
    void SetUp() override {
        TapTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        ASSERT_NO_FATAL_FAILURE(head_.place(watched(), programs()));
        (void)take(); // what the stack itself has said on the way up
    }
    /// What the head does with a packet.
    [[nodiscard]] std::uint32_t action(const Bytes& frame) {
        (void)counted();
        const auto verdict = Stage::xdp_verdict(head_.program_fd(), frame, watched());
        EXPECT_TRUE(verdict) << verdict.error();
        return verdict.value_or(Verdict{.action = XDP_ABORTED}).action;
    }
    /// What the tap has of incoming packets; outgoing ones are the stack's own.
    [[nodiscard]] std::vector<Bytes> incoming() {
        std::vector<Bytes> all;
        for (TapCopy& one : take()) {
            if (one.facts.direction == Direction::kIn) {
                all.push_back(std::move(one.bytes));
            }
        }
        return all;
    }
    void leave_head_for_queue_without_socket() {
        attach(PFILD_FAIL_DROP | PFILD_DIVERT_IN);
        attend(lane(Direction::kIn)); // but nobody at the interface's own queue
    }

  private:
    PlacedXdpHead head_;
};

TEST_F(TappedByXdp, packets_of_any_size_are_shown_whole) {
    for (const std::size_t size : {15U, 60U, 96U, 97U, 480U, 481U, 1514U, 2016U, 2017U, 3000U}) {
        Bytes frame(size);
        for (std::size_t at = 0; at < size; at++) {
            frame[at] = static_cast<std::uint8_t>(at * 7);
        }
        EXPECT_EQ(action(frame), XDP_PASS);
        const std::vector<TapCopy> all = take();
        ASSERT_EQ(all.size(), 1U) << size;
        EXPECT_EQ(all[0].bytes, frame) << size;
        EXPECT_EQ(all[0].facts.wire_length, size);
        EXPECT_EQ(all[0].facts.ifindex, watched());
        EXPECT_EQ(all[0].facts.direction, Direction::kIn);
    }
}

TEST_F(TappedByXdp, packets_are_cut_to_what_is_wanted_and_are_none_when_nothing_is) {
    want(20);
    EXPECT_EQ(action(kXdpPacket), XDP_PASS);
    EXPECT_EQ(incoming(), std::vector<Bytes>{first(20, kXdpPacket)});
    want(0);
    EXPECT_EQ(action(kXdpPacket), XDP_PASS);
    EXPECT_EQ(incoming(), std::vector<Bytes>{});
    EXPECT_EQ(lost(Direction::kIn), 0U);
}

TEST_F(TappedByXdp, BD_64_packets_that_are_dropped_are_shown_too) {
    attach(PFILD_FAIL_DROP | PFILD_DIVERT_IN); // and unattended
    EXPECT_EQ(action(kXdpPacket), XDP_DROP);
    EXPECT_EQ(incoming(), std::vector<Bytes>{kXdpPacket});
}

TEST_F(TappedByXdp, packets_that_are_left_to_the_TC_head_are_shown_by_that_alone) {
    leave_head_for_queue_without_socket();
    EXPECT_EQ(action(kXdpPacket), XDP_PASS);
    EXPECT_EQ(counted(), "in.unserved_queue+1");
    EXPECT_EQ(incoming(), std::vector<Bytes>{});
}

TEST_F(TappedByXdp, what_no_filter_wants_is_counted_and_not_taken) {
    const auto udp = cbpf::Program::verify(
        std::vector<cbpf::Instruction>{{0x30, 0, 0, 23}, {0x15, 0, 1, kUdp}, {0x06, 0, 0, 100}, {0x06, 0, 0, 0}});
    ASSERT_TRUE(udp);
    kernel::TapFilters filters(programs());
    const std::vector<const cbpf::Program*> one{&*udp};
    const auto set = filters.set(lane(Direction::kIn), ebpf::Place::kXdp, one);
    ASSERT_TRUE(set) << set.error().line();
    ring().set_filtered(lane(Direction::kIn), true);
    EXPECT_EQ(action(ethernet(kTypeIpv4, ipv4(6))), XDP_PASS);
    EXPECT_EQ(incoming(), std::vector<Bytes>{});
    EXPECT_EQ(filters.skipped(lane(Direction::kIn)), 1U);
    EXPECT_EQ(action(kXdpPacket), XDP_PASS);
    EXPECT_EQ(incoming(), std::vector<Bytes>{kXdpPacket});
    EXPECT_EQ(filters.skipped(lane(Direction::kIn)), 1U);
}

} // namespace
} // namespace pfild::tests
