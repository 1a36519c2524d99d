// SPDX-License-Identifier: BSD-2-Clause
// The flow table in the heads: which packets are answered from it, how the hand-over holds them back, and what is
// counted.
#include <linux/pkt_cls.h>
#include <unistd.h>

#include "core/flow/flow_entry.h"
#include "daemon/kernel/flow_maps.h"
#include "daemon/xsk/engine_thread.h"
#include "pfild/flow_key.h"
#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

using core::Direction;
using core::kEachDirection;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kIncarnation = 0x155;
constexpr std::uint32_t kGeneration = 10;

class KnownFlows : public KernelProgramsTest {
  protected:
    void SetUp() override {
        KernelProgramsTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        auto mapped = kernel::FlowMaps::map(programs(), kFlows);
        ASSERT_TRUE(mapped) << mapped.error().line();
        maps_ = std::move(*mapped);
        index_.emplace(maps_->memory(), 42);
        maps_->state().generation = kGeneration;
        attach(PFILD_DIVERT_IN | PFILD_DIVERT_OUT);
    }

    /// The key that a head of that direction reads from a frame on `watched`.
    [[nodiscard]] core::FlowKey key_of(const Bytes& frame, Direction direction) const {
        Bytes aligned(2); // words of the network header at multiples of 4
        aligned.insert(aligned.end(), frame.begin(), frame.end());
        core::FlowKey key{};
        key.ifindex = watched();
        EXPECT_NE(pfild_read_flow_key(&key, aligned.data() + 2, aligned.data() + aligned.size(),
                                      direction == Direction::kOut ? 1 : 0),
                  0U);
        return key;
    }
    /// An entry for the flow of this frame, with nothing on its way. The same answer in both directions.
    pfild_flow& know(const Bytes& frame, Direction direction, pfild_flow_answer answer) {
        pfild_flow& flow = maps_->entries()[kPlaceOfFlow];
        flow = {};
        flow.key = key_of(frame, direction);
        flow.incarnation = kIncarnation;
        flow.idle_ns = 60 * kSecond;
        flow.engine_ns = xsk::now_ns();
        flow.decision = PFILD_FLOW_DECISION(kGeneration, answer, answer);
        EXPECT_TRUE(index_->insert(flow.key, kPlaceOfFlow));
        return flow;
    }
    [[nodiscard]] std::string asked(Direction direction, const Bytes& frame) {
        const Verdict verdict = head(direction, on_watched(frame));
        const std::string what = counted();
        return what.substr(what.find('.') + 1) + (verdict.action == TC_ACT_SHOT ? " shot" : "");
    }

    static constexpr std::uint32_t kFlows = 16;
    static constexpr std::uint32_t kPlaceOfFlow = 5;
    std::unique_ptr<kernel::FlowMaps> maps_;
    std::optional<core::FlowIndex> index_;
};

const Bytes kPacket = ethernet(kTypeIpv4, ipv4(kUdp));
const Bytes kPacket6 = ethernet(kTypeIpv6, ipv6(kUdp, 64, Bytes(16, 0xaa)));

// `unknown = pass` and unattended: what is not known says so.
constexpr const char* kUnknown = "passed_unattended+1";

TEST_F(KnownFlows, are_answered_whoever_is_alive_and_counted_in_their_entry) {
    for (const Bytes& frame : {kPacket, kPacket6, ethernet(kTypeIpv4, ipv4(kUdp), {{}}),
                               ethernet(kTypeIpv6, ipv6(kUdp, 64, Bytes(16)), {{kTypeServiceVlan, 9}, {}})}) {
        for (const Direction direction : kEachDirection) {
            EXPECT_EQ(asked(direction, frame), kUnknown);
            pfild_flow& flow = know(frame, direction, PFILD_FLOW_PASS);
            EXPECT_EQ(asked(direction, frame), "passed_known+1");
            EXPECT_EQ(asked(direction, frame), "passed_known+1");
            const pfild_flow_lane& lane = flow.lane[core::index(direction)];
            EXPECT_EQ(lane.packets, 2U);
            EXPECT_EQ(lane.bytes, 2 * frame.size());
            EXPECT_EQ(lane.diverted, 0U);
            EXPECT_GE(lane.last_seen_ns + kSecond, xsk::now_ns());
            flow.decision = PFILD_FLOW_DECISION(kGeneration, PFILD_FLOW_DROP, PFILD_FLOW_DROP);
            EXPECT_EQ(asked(direction, frame), "dropped_known+1 shot");
            EXPECT_EQ(lane.packets, 3U);
            index_->erase(flow.key);
            EXPECT_EQ(asked(direction, frame), kUnknown);
        }
    }
}

TEST_F(KnownFlows, have_an_answer_for_each_direction) {
    pfild_flow& flow = know(kPacket, Direction::kIn, PFILD_FLOW_PASS);
    flow.decision = PFILD_FLOW_DECISION(kGeneration, PFILD_FLOW_ASK, PFILD_FLOW_DROP);
    EXPECT_EQ(asked(Direction::kIn, kPacket), kUnknown);
    Bytes back = kPacket; // addresses and ports the other way round
    std::swap_ranges(back.begin() + 26, back.begin() + 30, back.begin() + 30);
    std::swap_ranges(back.begin() + 34, back.begin() + 36, back.begin() + 36);
    EXPECT_EQ(asked(Direction::kOut, back), "dropped_known+1 shot");
}

TEST_F(KnownFlows, are_not_opened_by_or_for_packets_that_are_not_canonical_or_differ_in_the_key) {
    (void)know(kPacket, Direction::kIn, PFILD_FLOW_PASS);
    const auto with = [](std::size_t at, const Bytes& replacement) {
        Bytes frame = kPacket;
        std::copy(replacement.begin(), replacement.end(), frame.begin() + static_cast<std::ptrdiff_t>(at));
        return frame;
    };
    struct Row {
        const char* sentence;
        Bytes frame;
    };
    const Row rows[] = {
        {"the first fragment", with(20, {0x20, 0})},
        {"a later fragment", with(20, {0, 9})},
        {"options that leave no room for ports", with(14, {0x4f})},
        {"another protocol", with(23, {6})},
        {"another source", with(29, {9})},
        {"another destination", with(33, {9})},
        {"another source port", with(35, {9})},
        {"another destination port", with(37, {9})},
        {"a tag", ethernet(kTypeIpv4, ipv4(kUdp), {{}})},
        {"cut in the ports", first(37, kPacket)},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(asked(Direction::kIn, row.frame), kUnknown) << row.sentence;
    }
    EXPECT_EQ(asked(Direction::kOut, kPacket), kUnknown) << "the other direction";
    EXPECT_EQ(asked(Direction::kIn, kPacket), "passed_known+1") << "the twin";
}

TEST_F(KnownFlows, never_answer_for_neighbour_discovery) {
    const Bytes echo = ethernet(kTypeIpv6, icmpv6(128));
    (void)know(echo, Direction::kIn, PFILD_FLOW_DROP);
    EXPECT_EQ(asked(Direction::kIn, echo), "dropped_known+1 shot");
    attend(kernel::lane(kSlot, Direction::kIn));
    for (const std::uint8_t type : {133, 134, 135, 136, 137}) {
        EXPECT_EQ(asked(Direction::kIn, ethernet(kTypeIpv6, icmpv6(type))), "passed_neighbour+1") << int{type};
    }
}

TEST_F(KnownFlows, are_those_of_one_interface) {
    (void)know(kPacket, Direction::kIn, PFILD_FLOW_PASS);
    const pfild_interface second{
        .slot = kOtherSlot, .flags = PFILD_DIVERT_IN, .port_p = 1, .port_q = 1, .ifindex = other(), .attachment = 1};
    ASSERT_TRUE(programs().set_interface(second));
    const auto heads = kernel::HeadPrograms::load(programs(), kOtherSlot, 1);
    ASSERT_TRUE(heads) << heads.error().line();
    Scene scene = on_watched(kPacket);
    scene.ifindex = other();
    (void)counted();
    EXPECT_TRUE(stage().verdict(heads->fd(Direction::kIn), scene));
    EXPECT_EQ(counted(), "slot5.in.passed_unattended+1");
}

TEST_F(KnownFlows, answers_of_older_rules_are_not_taken_those_of_newer_ones_are) {
    pfild_flow& flow = know(kPacket, Direction::kIn, PFILD_FLOW_PASS);
    struct Row {
        std::uint32_t decided;
        std::uint32_t in_force;
        bool taken;
    };
    for (const Row& row : {Row{10, 10, true}, Row{9, 10, false}, Row{11, 10, true}, Row{0xffffffff, 0, false},
                           Row{0, 0xffffffff, true}}) {
        flow.decision = PFILD_FLOW_DECISION(row.decided, PFILD_FLOW_PASS, PFILD_FLOW_PASS);
        maps_->state().generation = row.in_force;
        EXPECT_EQ(asked(Direction::kIn, kPacket), row.taken ? "passed_known+1" : kUnknown)
            << row.decided << ' ' << row.in_force;
    }
}

TEST_F(KnownFlows, past_their_time_out_are_unknown_but_a_packet_either_way_keeps_them) {
    pfild_flow& flow = know(kPacket, Direction::kIn, PFILD_FLOW_PASS);
    const std::uint64_t now = xsk::now_ns(); // since the start of the machine, which may not be long ago
    flow.idle_ns = kSecond;
    flow.engine_ns = now - 2 * kSecond;
    EXPECT_EQ(asked(Direction::kIn, kPacket), kUnknown);
    flow.idle_ns = 60 * kSecond;
    flow.lane[1].last_seen_ns = now - 2 * kSecond;
    EXPECT_EQ(asked(Direction::kIn, kPacket), "passed_known+1");
    flow.lane[1].last_seen_ns = 0;
    flow.lane[0].last_seen_ns = now + kSecond; // another processor's clock was read a moment later
    EXPECT_EQ(asked(Direction::kIn, kPacket), "passed_known+1");
}

TEST_F(KnownFlows, are_not_passed_while_earlier_packets_are_in_userspace) {
    pfild_flow& flow = know(kPacket, Direction::kIn, PFILD_FLOW_PASS);
    flow.lane[0].diverted = 7;
    flow.lane[0].settled = 6;
    flow.published_ns[0] = xsk::now_ns() + kSecond; // so that the test may be slow
    EXPECT_EQ(asked(Direction::kIn, kPacket), kUnknown);
    flow.lane[0].settled = 7;
    EXPECT_EQ(asked(Direction::kIn, kPacket), "passed_known+1");
    flow.credit[0] = 1;
    EXPECT_EQ(asked(Direction::kIn, kPacket), kUnknown) << "one came up before there was an entry, and is not back";
    flow.lane[0].settled = 8;
    EXPECT_EQ(asked(Direction::kIn, kPacket), "passed_known+1");
    flow.lane[0].diverted = 9;
    flow.credit[0] = ~0ULL;
    EXPECT_EQ(asked(Direction::kIn, kPacket), "passed_known+1") << "one ended in the engine";
}

TEST_F(KnownFlows, what_was_lost_in_userspace_is_written_off_after_a_while_and_counted) {
    pfild_flow& flow = know(kPacket, Direction::kIn, PFILD_FLOW_PASS);
    flow.lane[0].diverted = 7;
    flow.published_ns[0] = xsk::now_ns() - 2 * PFILD_HANDOVER_NS;
    EXPECT_EQ(asked(Direction::kIn, kPacket), "passed_known+1 in.handover_forced+1");
    EXPECT_EQ(asked(Direction::kIn, kPacket), "passed_known+1");
    EXPECT_EQ(flow.lane[0].settled, 7U);
}

TEST_F(KnownFlows, a_packet_that_goes_up_is_counted_in_its_entry_and_its_label_says_so) {
    attend(kernel::lane(kSlot, Direction::kIn));
    pfild_flow& flow = know(kPacket, Direction::kIn, PFILD_FLOW_ASK);
    const StageProps left = left_by_head(Direction::kIn, on_watched(kPacket));
    EXPECT_EQ(left.tag_value, PFILD_LABEL_MARK | kIncarnation << 1U);
    EXPECT_EQ(flow.lane[0].diverted, 1U);
    EXPECT_EQ(flow.lane[0].packets, 0U);
    index_->erase(flow.key);
    EXPECT_EQ(left_by_head(Direction::kIn, on_watched(kPacket)).tag_value, PFILD_LABEL_MARK);
    EXPECT_EQ(flow.lane[0].diverted, 1U);
}

TEST_F(KnownFlows, a_packet_that_comes_back_is_counted_in_its_entry) {
    for (const Direction direction : kEachDirection) {
        pfild_flow& flow = know(kPacket, direction, PFILD_FLOW_PASS);
        Scene scene = back_again(direction, kPacket);
        scene.segments = 3;
        (void)head(direction, scene);
        EXPECT_EQ(counted(), named(direction) + ".reentered+3");
        EXPECT_EQ(flow.lane[core::index(direction)].settled, 3U);
        EXPECT_EQ(flow.lane[core::index(direction)].packets, 0U);
    }
}

// As a guest or a tap hands it over: the size of a segment is known, their number is not.
TEST_F(KnownFlows, segments_that_nobody_has_counted_are_counted_as_the_kernel_will_cut_them) {
    constexpr std::uint32_t kSize = 100;
    Bytes tcp(20 + 12 + 1001, 0xaa);
    tcp[12] = 8U << 4U; // words: 12 bytes of options
    struct Row {
        const char* sentence;
        Bytes frame;
    };
    for (const Row& row :
         {Row{"IPv4", ethernet(kTypeIpv4, ipv4(6, tcp))}, Row{"IPv6", ethernet(kTypeIpv6, ipv6(6, 64, tcp))},
          Row{"IPv4 in a tag", ethernet(kTypeIpv4, ipv4(6, tcp), {{}})},
          Row{"UDP", ethernet(kTypeIpv4, ipv4(kUdp, Bytes(8 + 1001)))}}) {
        pfild_flow& flow = know(row.frame, Direction::kIn, PFILD_FLOW_PASS);
        Scene scene = on_watched(row.frame);
        scene.segment_size = kSize;
        (void)head(Direction::kIn, scene);
        EXPECT_EQ(counted(), "in.passed_known+11") << row.sentence;
        EXPECT_EQ(flow.lane[0].packets, 11U) << row.sentence;
        index_->erase(flow.key);
    }
}

TEST_F(KnownFlows, are_not_asked_for_where_no_hook_is_linked) {
    (void)know(kPacket, Direction::kIn, PFILD_FLOW_DROP);
    attach(PFILD_DIVERT_OUT);
    attend(kernel::lane(kSlot, Direction::kIn));
    EXPECT_EQ(asked(Direction::kIn, kPacket), "passed_unhooked+1");
}

TEST_F(KnownFlows, whose_slot_was_given_to_another_flow_are_unknown) {
    pfild_flow& flow = know(kPacket, Direction::kIn, PFILD_FLOW_PASS);
    flow.key.local_port++;
    EXPECT_EQ(asked(Direction::kIn, kPacket), kUnknown);
}

} // namespace
} // namespace pfild::tests
