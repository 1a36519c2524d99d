// SPDX-License-Identifier: BSD-2-Clause
// The way back: the re-entry programs mark what the engine sent on, and the head of that lane alone takes the mark.
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

using core::Direction;
using core::kEachDirection;

constexpr std::uint32_t kReentryMark = 0xdeadbeef; // of the user's; nobody may touch it

class Reentry : public KernelProgramsTest {
  protected:
    [[nodiscard]] Scene marked(std::uint32_t tc_index) const {
        Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
        scene.before.tc_index = tc_index;
        scene.mark = kReentryMark;
        return scene;
    }
};

TEST_F(Reentry, a_head_takes_its_own_mark_off_and_passes_whatever_else_is_the_case) {
    struct Row {
        const char* sentence;
        std::uint32_t flags;
        bool home;
    };
    const Row rows[] = {
        {"hooked, somebody home", PFILD_UNKNOWN_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT, true},
        {"the last hook has just gone", PFILD_UNKNOWN_DROP, true},
        {"the engine has just died, unknown is dropped", PFILD_UNKNOWN_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT,
         false},
        {"the engine has just died, unknown is passed", 0, false},
    };
    for (const Row& row : rows) {
        attach(row.flags);
        for (const Direction direction : kEachDirection) {
            const std::uint32_t lane = kernel::lane(kSlot, direction);
            if (row.home) {
                somebody_home(lane);
            }
            const Scene scene = marked(PFILD_REENTRY(lane));
            const Verdict verdict = head(direction, scene);
            EXPECT_EQ(verdict.action, kPass) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(counted(), named(direction) + ".reentered+1") << row.sentence;
            EXPECT_EQ(verdict.mark, kReentryMark) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(verdict.frame, scene.frame) << named(direction) << ": " << row.sentence;
            const StageProps left = left_by_head(direction, scene);
            EXPECT_EQ(left.tc_index, 0U) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(left.tagged, 0U) << named(direction) << ": " << row.sentence;
        }
        nobody_home();
    }
}

TEST_F(Reentry, a_head_accepts_no_other_mark) {
    attach(PFILD_UNKNOWN_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT);
    for (const Direction direction : kEachDirection) {
        const Direction back = direction == Direction::in ? Direction::out : Direction::in;
        const std::uint32_t own = PFILD_REENTRY(kernel::lane(kSlot, direction));
        struct Row {
            const char* sentence;
            std::uint32_t tc_index;
        };
        const Row rows[] = {
            {"no mark", 0},
            {"the other direction's", PFILD_REENTRY(kernel::lane(kSlot, back))},
            {"another slot's, same direction", PFILD_REENTRY(kernel::lane(kOtherSlot, direction))},
            {"slot 0's", PFILD_REENTRY(kernel::lane(0, direction))},
            {"the lane without the mark", kernel::lane(kSlot, direction)},
            {"the mark without its high byte, as a classifier may count", own & 0xffU},
            {"the mark with a bit more", own | 0x8000U},
            {"all bits", 0xffff},
        };
        for (const Row& row : rows) {
            EXPECT_EQ(head(direction, marked(row.tc_index)).action, TC_ACT_SHOT)
                << named(direction) << ": " << row.sentence;
            EXPECT_EQ(counted(), named(direction) + ".dropped_unattended+1") << row.sentence;
        }
        EXPECT_EQ(head(direction, marked(own)).action, kPass) << named(direction) << ": the twin";
    }
}

TEST_F(Reentry, a_mark_that_nobody_may_take_stays) {
    attach(0);
    const std::uint32_t foreign = PFILD_REENTRY(PFILD_LANE_OUT(kOtherSlot));
    for (const Direction direction : kEachDirection) {
        EXPECT_EQ(left_by_head(direction, marked(foreign)).tc_index, foreign) << named(direction);
    }
}

TEST_F(Reentry, marks_of_all_lanes_are_different_and_above_what_classifiers_count) {
    std::uint32_t before = 255;
    for (std::uint32_t lane = 0; lane < PFILD_MAX_LANES; lane++) {
        EXPECT_GT(PFILD_REENTRY(lane), before);
        EXPECT_LE(PFILD_REENTRY(lane), 0xffffU) << "tc_index has 16 bits";
        before = PFILD_REENTRY(lane);
    }
}

TEST_F(Reentry, what_comes_back_in_is_of_the_type_that_its_address_says) {
    attach(PFILD_DIVERT_IN);
    Mac almost_ours = kOurMac;
    almost_ours[5] ^= 1U;
    Mac almost_broadcast = kBroadcastMac;
    almost_broadcast[5] = 0xfe;
    struct Row {
        const char* sentence;
        Mac to;
        std::uint32_t packet_type;
    };
    const Row rows[] = {
        {"to us", kOurMac, PACKET_HOST},
        {"to others", kTheirMac, PACKET_OTHERHOST},
        {"to others, by the last bit", almost_ours, PACKET_OTHERHOST},
        {"to all", kBroadcastMac, PACKET_BROADCAST},
        {"to almost all", almost_broadcast, PACKET_MULTICAST},
        {"to a group", kMulticastMac, PACKET_MULTICAST},
        {"to a bridge group", {0x01, 0x80, 0xc2, 0, 0, 0}, PACKET_MULTICAST},
        {"to nobody", {}, PACKET_OTHERHOST},
    };
    for (const Row& row : rows) {
        Scene scene = marked(PFILD_REENTRY(PFILD_LANE_IN(kSlot)));
        scene.frame = ethernet(kTypeIpv4, ipv4(17), {}, row.to);
        scene.before.packet_type = PACKET_HOST; // as a redirect leaves it
        EXPECT_EQ(left_by_head(Direction::in, scene).packet_type, row.packet_type) << row.sentence;
        // The twin: the type is the driver's business when the packet was never away.
        scene.before.tc_index = 0;
        EXPECT_EQ(left_by_head(Direction::in, scene).packet_type, PACKET_HOST) << "never away, " << row.sentence;
    }
}

TEST_F(Reentry, a_buffer_that_comes_back_counts_its_segments) {
    attach(0);
    for (const Direction direction : kEachDirection) {
        Scene scene = marked(PFILD_REENTRY(kernel::lane(kSlot, direction)));
        scene.segments = 3;
        EXPECT_EQ(head(direction, scene).action, kPass);
        EXPECT_EQ(counted(), named(direction) + ".reentered+3");
    }
}

TEST_F(Reentry, the_port_marks_for_its_lane_and_redirects) {
    for (const Direction direction : kEachDirection) {
        const int program = programs().reentry_fd(direction);
        const std::uint32_t lane = kernel::lane(kOtherSlot, direction);
        ASSERT_TRUE(programs().set_stack_port(other(), {.lane = lane, .interface = watched()}));
        Scene scene = marked(0);
        scene.ifindex = other();
        const auto verdict = stage().verdict(program, scene);
        ASSERT_TRUE(verdict) << verdict.error();
        EXPECT_EQ(verdict->action, TC_ACT_REDIRECT) << named(direction);
        EXPECT_EQ(verdict->mark, kReentryMark) << named(direction);
        EXPECT_EQ(verdict->frame, scene.frame) << named(direction);
        EXPECT_EQ(stage().left_by(program, scene)->tc_index, PFILD_REENTRY(lane)) << named(direction);
        scene.before.tc_index = PFILD_REENTRY(PFILD_LANE_IN(0));
        EXPECT_EQ(stage().left_by(program, scene)->tc_index, PFILD_REENTRY(lane))
            << "marked before, " << named(direction);
    }
    EXPECT_EQ(counted(), "") << "the head counts it, when it is there";
}

TEST_F(Reentry, a_port_that_nobody_knows_lets_nothing_in) {
    const std::uint32_t lane = PFILD_LANE_IN(kSlot);
    ASSERT_TRUE(programs().set_stack_port(other(), {.lane = lane, .interface = watched()}));
    ASSERT_TRUE(programs().set_engine_port(watched(), {.lane = lane, .interface = 0})); // an end, but not this one
    for (const Direction direction : kEachDirection) {
        Scene scene = marked(0);
        EXPECT_EQ(stage().verdict(programs().reentry_fd(direction), scene)->action, TC_ACT_SHOT) << named(direction);
        EXPECT_EQ(stage().left_by(programs().reentry_fd(direction), scene)->tc_index, 0U) << named(direction);
    }
    EXPECT_EQ(counted(), "");
}

} // namespace
} // namespace pfild::tests
