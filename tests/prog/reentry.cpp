// SPDX-License-Identifier: BSD-2-Clause
// The way back: the re-entry programs stamp what the engine sent on with the secret of its lane, and the head of that
// lane alone lets it in. What the secret is, the tests learn as nobody else can: by running the re-entry program.
#include <functional>

#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

using core::Direction;
using core::kEachDirection;

constexpr std::uint32_t kUsersMark = 0xdeadbeef;
constexpr std::uint32_t kHooked = PFILD_FAIL_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT;

class Reentry : public KernelProgramsTest {
  protected:
    [[nodiscard]] Scene stamped(Direction direction, std::uint8_t slot = kSlot) {
        return back_again(direction, ethernet(kTypeIpv4, ipv4(17)), slot);
    }
};

using Change = std::function<void(Scene&)>;

void clear_cb(Scene& scene) { std::fill(std::begin(scene.before.cb), std::end(scene.before.cb), 0); }
void clear_tc_index(Scene& scene) { scene.before.tc_index = 0; }
void clear_mark(Scene& scene) { scene.mark = 0; }

TEST_F(Reentry, a_head_takes_its_own_stamp_off_and_passes_whatever_else_is_the_case) {
    struct Row {
        const char* sentence;
        std::uint32_t flags;
        bool home;
    };
    const Row rows[] = {
        {"hooked, somebody home", kHooked, true},
        {"the last hook has just gone", PFILD_FAIL_DROP, true},
        {"the engine has just died, unknown is dropped", kHooked, false},
        {"the engine has just died, unknown is passed", 0, false},
    };
    for (const Row& row : rows) {
        attach(row.flags);
        for (const Direction direction : kEachDirection) {
            if (row.home) {
                attend(kernel::lane(kSlot, direction));
            }
            const Scene scene = stamped(direction);
            const Verdict verdict = head(direction, scene);
            EXPECT_EQ(verdict.action, kPass) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(counted(), named(direction) + ".reentered+1") << row.sentence;
            EXPECT_EQ(verdict.frame, scene.frame) << named(direction) << ": " << row.sentence;
            const StageProps left = left_by_head(direction, scene);
            EXPECT_EQ(left.mark, 0U) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(left.tc_index, 0U) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(left.tagged, 0U) << named(direction) << ": " << row.sentence;
            for (const std::uint32_t word : left.cb) {
                EXPECT_EQ(word, 0U) << named(direction) << ": " << row.sentence;
            }
        }
        leave_unattended();
    }
}

TEST_F(Reentry, what_is_missing_of_a_stamp_decides) {
    attach(kHooked);
    struct Row {
        const char* sentence;
        Direction direction;
        std::vector<Change> changes;
        const char* counts;
    };
    const auto flip = [](std::size_t word) { return [word](Scene& scene) { scene.before.cb[word] ^= 0x80U; }; };
    const auto other_bit = [](Scene& scene) { scene.before.tc_index ^= 1U; };
    const auto users_mark = [](Scene& scene) { scene.mark = kUsersMark; };
    const auto from_elsewhere = [this](Scene& scene) { scene.ingress_ifindex = watched(); };
    const Row rows[] = {
        {"whole", Direction::kIn, {}, "in.reentered+1"},
        {"a socket's filter has cleared cb", Direction::kIn, {clear_cb}, "in.reentered+1"},
        {"a program has set a mark", Direction::kIn, {users_mark}, "in.reentered+1"},
        {"a program has counted classes", Direction::kIn, {other_bit}, "in.reentered+1"},
        {"only tc_index", Direction::kIn, {clear_cb, clear_mark}, "in.dropped_stamp+1"},
        {"only tc_index, with another's mark", Direction::kIn, {clear_cb, users_mark}, "in.dropped_stamp+1"},
        {"only the mark", Direction::kIn, {clear_cb, clear_tc_index}, "in.dropped_stamp+1"},
        {"only cb", Direction::kIn, {clear_mark, clear_tc_index}, "in.dropped_stamp+1"},
        {"tc_index, and three words of cb", Direction::kIn, {flip(3), clear_mark}, "in.dropped_stamp+1"},
        {"three words of cb", Direction::kIn, {flip(0), clear_mark, clear_tc_index}, "in.dropped_unattended+1"},
        {"nothing", Direction::kIn, {clear_cb, clear_mark, clear_tc_index}, "in.dropped_unattended+1"},
        {"whole", Direction::kOut, {}, "out.reentered+1"},
        {"a program has counted classes", Direction::kOut, {clear_tc_index}, "out.reentered+1"},
        {"a program has set a mark", Direction::kOut, {users_mark}, "out.reentered+1"},
        {"from the port, cb is cleared", Direction::kOut, {clear_cb}, "out.dropped_stamp+1"},
        {"from the port, the last word of cb", Direction::kOut, {flip(3)}, "out.dropped_stamp+1"},
        {"from the port, nothing", Direction::kOut, {clear_cb, clear_tc_index}, "out.dropped_unattended+1"},
        {"a class of that number", Direction::kOut, {clear_cb, from_elsewhere}, "out.dropped_unattended+1"},
    };
    for (const Row& row : rows) {
        Scene scene = stamped(row.direction);
        for (const Change& change : row.changes) {
            change(scene);
        }
        (void)head(row.direction, scene);
        EXPECT_EQ(counted(), row.counts) << named(row.direction) << ": " << row.sentence;
    }
}

TEST_F(Reentry, what_drops_a_part_of_a_stamp_does_so_attended_and_diverts_it_never_again) {
    attach(kHooked);
    for (const Direction direction : kEachDirection) {
        attend(kernel::lane(kSlot, direction));
        Scene scene = stamped(direction);
        clear_cb(scene);
        clear_mark(scene);
        EXPECT_EQ(head(direction, scene).action, TC_ACT_SHOT) << named(direction);
        EXPECT_EQ(counted(), named(direction) + ".dropped_stamp+1");
    }
}

TEST_F(Reentry, a_head_accepts_the_stamp_of_no_other_lane) {
    attach(kHooked);
    for (const Direction direction : kEachDirection) {
        const Direction back = direction == Direction::kIn ? Direction::kOut : Direction::kIn;
        struct Row {
            const char* sentence;
            Scene scene;
        };
        const Row rows[] = {
            {"the other direction's", stamped(back)},
            {"another slot's, same direction", stamped(direction, kOtherSlot)},
            {"slot 0's", stamped(direction, 0)},
        };
        for (const Row& row : rows) {
            EXPECT_EQ(head(direction, row.scene).action, TC_ACT_SHOT) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(counted(), named(direction) + ".dropped_unattended+1") << row.sentence;
        }
        EXPECT_EQ(head(direction, stamped(direction)).action, kPass) << named(direction) << ": the twin";
    }
}

TEST_F(Reentry, a_secret_is_good_until_it_is_renewed) {
    attach(kHooked);
    for (const Direction direction : kEachDirection) {
        const Scene before = stamped(direction);
        const Scene others = stamped(direction, kOtherSlot);
        ASSERT_TRUE(programs().renew_secrets(kSlot));
        EXPECT_EQ(head(direction, before).action, TC_ACT_SHOT) << named(direction);
        EXPECT_EQ(counted(), named(direction) + ".dropped_unattended+1");
        EXPECT_EQ(head(direction, stamped(direction)).action, kPass) << named(direction);
        EXPECT_EQ(stamped(direction, kOtherSlot).before.tc_index, others.before.tc_index) << "not that slot's";
    }
}

TEST_F(Reentry, another_mark_of_the_xdp_head_leaves_what_is_on_its_way_its_stamp) {
    attach(kHooked);
    for (const Direction direction : kEachDirection) {
        const Scene before = stamped(direction);
        ASSERT_TRUE(programs().renew_mark(kSlot));
        EXPECT_EQ(head(direction, before).action, kPass) << named(direction);
        EXPECT_EQ(counted(), named(direction) + ".reentered+1");
    }
}

TEST_F(Reentry, what_bears_no_mark_leaves_its_removal_as_it_came) {
    const Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
    const auto left = stage().verdict(programs().unmark_fd(), scene);
    ASSERT_TRUE(left) << left.error();
    EXPECT_EQ(left->action, kPass);
    EXPECT_EQ(left->frame, scene.frame);
}

TEST_F(Reentry, every_value_of_tc_index_that_a_container_can_set_lets_nothing_in) {
    attach(kHooked);
    for (const Direction direction : kEachDirection) {
        Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
        (void)counted();
        for (std::uint32_t value = 0; value <= 0xffffU; value++) {
            scene.before.tc_index = value;
            scene.before.cb[0] = value * 2654435761U;
            scene.before.cb[1] = ~scene.before.cb[0];
            scene.mark = direction == Direction::kIn ? 0 : scene.before.cb[0]; // veth clears it, macvlan does not
            ASSERT_EQ(stage().verdict(heads().fd(direction), scene).value().action, TC_ACT_SHOT) << value;
        }
        const std::string one_is_in_the_secret = "in.dropped_unattended+65535 in.dropped_stamp+1";
        EXPECT_EQ(counted(), direction == Direction::kIn ? one_is_in_the_secret : "out.dropped_unattended+65536");
    }
}

TEST_F(Reentry, fields_that_nobody_may_take_stay) {
    attach(0);
    for (const Direction direction : kEachDirection) {
        const Scene foreign = stamped(direction, kOtherSlot);
        const StageProps left = left_by_head(direction, foreign);
        EXPECT_EQ(left.tc_index, foreign.before.tc_index) << named(direction);
        EXPECT_EQ(left.mark, foreign.mark) << named(direction);
        EXPECT_TRUE(std::equal(std::begin(left.cb), std::end(left.cb), std::begin(foreign.before.cb)));
    }
    Scene marked = stamped(Direction::kIn);
    marked.mark = kUsersMark;
    EXPECT_EQ(left_by_head(Direction::kIn, marked).mark, kUsersMark) << "back, and a program has marked it on its way";
}

TEST_F(Reentry, no_two_lanes_share_a_secret_and_none_is_what_an_ordinary_packet_carries) {
    for (const Direction direction : kEachDirection) {
        std::vector<std::uint32_t> seen;
        for (std::uint8_t slot = 0; slot < PFILD_MAX_INTERFACES; slot++) {
            const Scene scene = stamped(direction, slot);
            EXPECT_GT(scene.before.tc_index, 255U) << "classifiers count";
            EXPECT_LE(scene.before.tc_index, 0xffffU) << "tc_index has 16 bits";
            EXPECT_EQ(scene.mark != 0, direction == Direction::kIn);
            EXPECT_EQ(std::count(seen.begin(), seen.end(), scene.before.cb[0]), 0);
            seen.push_back(scene.before.cb[0]);
        }
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
        Scene scene = stamped(Direction::kIn);
        scene.frame = ethernet(kTypeIpv4, ipv4(17), {}, row.to);
        scene.before.packet_type = PACKET_HOST; // as a redirect leaves it
        EXPECT_EQ(left_by_head(Direction::kIn, scene).packet_type, row.packet_type) << row.sentence;
        // The twin: the type is the driver's business when the packet was never away.
        scene.mark = 0;
        scene.before = {};
        EXPECT_EQ(left_by_head(Direction::kIn, scene).packet_type, PACKET_HOST) << "never away, " << row.sentence;
    }
}

TEST_F(Reentry, a_buffer_that_comes_back_counts_its_segments) {
    attach(0);
    for (const Direction direction : kEachDirection) {
        Scene scene = stamped(direction);
        scene.segments = 3;
        EXPECT_EQ(head(direction, scene).action, kPass);
        EXPECT_EQ(counted(), named(direction) + ".reentered+3");
        clear_cb(scene);
        clear_mark(scene);
        EXPECT_EQ(head(direction, scene).action, TC_ACT_SHOT);
        EXPECT_EQ(counted(), named(direction) + ".dropped_stamp+3");
    }
}

TEST_F(Reentry, the_port_stamps_for_its_lane_and_redirects) {
    for (const Direction direction : kEachDirection) {
        const int program = programs().reentry_fd(direction);
        const StageProps stamp = stamped(direction, kOtherSlot).before;
        Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
        scene.ifindex = other();
        scene.segments = 2;
        (void)counted();
        const auto verdict = stage().verdict(program, scene);
        ASSERT_TRUE(verdict) << verdict.error();
        EXPECT_EQ(verdict->action, TC_ACT_REDIRECT) << named(direction);
        EXPECT_EQ(verdict->frame, scene.frame) << named(direction);
        EXPECT_EQ(counted(), "slot5." + named(direction) + ".returned+2");
        scene.before.tc_index = 0x7000;
        EXPECT_EQ(stage().left_by(program, scene)->tc_index, stamp.tc_index)
            << "classified before, " << named(direction);
    }
}

TEST_F(Reentry, a_port_that_nobody_knows_lets_nothing_in) {
    const std::uint32_t lane = PFILD_LANE_IN(kSlot);
    ASSERT_TRUE(programs().set_stack_port(other(), {.lane = lane, .interface = watched()}));
    ASSERT_TRUE(programs().set_engine_port(watched(), {.lane = lane, .interface = 0})); // an end, but not this one
    for (const Direction direction : kEachDirection) {
        const Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
        EXPECT_EQ(stage().verdict(programs().reentry_fd(direction), scene)->action, TC_ACT_SHOT) << named(direction);
        EXPECT_EQ(stage().left_by(programs().reentry_fd(direction), scene)->tc_index, 0U) << named(direction);
    }
    EXPECT_EQ(counted(), "");
}

} // namespace
} // namespace pfild::tests
