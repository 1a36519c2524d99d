// SPDX-License-Identifier: BSD-2-Clause
// What the heads do without the engine: at interfaces that are not theirs, unattended, without a hook.
#include <linux/pkt_cls.h>

#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

using core::Direction;
using core::kEachDirection;

constexpr std::uint32_t kBoth = PFILD_DIVERT_IN | PFILD_DIVERT_OUT;

class HeadsUnattended : public KernelProgramsTest {};

struct Arrival {
    const char* sentence;
    Bytes frame;
    bool passes;
    StageProps before{};
};

StageProps tag_beside(const Tag& tag) { return {.tagged = 1, .tag_type = tag.type, .tag_value = tag.value}; }

/// As neighbours' say: what keeps the link up.
std::vector<Arrival> control() {
    std::vector<Arrival> rows;
    for (const ControlFrame& frame : control_frames()) {
        rows.push_back({frame.name, frame_of(frame), true});
    }
    const ControlFrame eapol = control_frames()[0];
    rows.push_back(
        {"EAPOL to the first of the addresses", ethernet(eapol.type, eapol.payload, {}, link_group(0)), true});
    rows.push_back({"EAPOL to the last of them", ethernet(eapol.type, eapol.payload, {}, link_group(15)), true});
    return rows;
}

/// What is sent to such addresses, or looks like it, and is not.
std::vector<Arrival> no_control() {
    std::vector<Arrival> rows;
    const Tag tag{};
    for (const ControlFrame& frame : control_frames()) {
        const Mac group = link_group(frame.group);
        rows.push_back({frame.name, ethernet(frame.type, frame.payload, {tag}, group), false});
        rows.push_back({frame.name, ethernet(frame.type, frame.payload, {{kTypeVlan, 0}}, group), false});
        rows.push_back({frame.name, frame_of(frame), false, tag_beside(tag)});
        rows.push_back({frame.name, first(16, frame_of(frame)), false});
        rows.push_back({frame.name, first(14, frame_of(frame)), false});
        for (const Mac& other : {kOurMac, kBroadcastMac, kMulticastMac, link_group(16), Mac{1, 0x80, 0xc2, 0, 1, 3}}) {
            rows.push_back({frame.name, ethernet(frame.type, frame.payload, {}, other), false});
        }
    }
    for (std::uint8_t last = 0; last < 16; last++) {
        rows.push_back({"IP", ethernet(kTypeIpv4, ipv4(17), {}, link_group(last)), false});
        rows.push_back({"IPv6", ethernet(kTypeIpv6, ipv6(17, 64, Bytes(16)), {}, link_group(last)), false});
        rows.push_back({"another type", ethernet(0x88b5, Bytes(46), {}, link_group(last)), false});
        rows.push_back(
            {"another LLC", ethernet(38, joined({0xaa, 0xaa, 0x03}, Bytes(43)), {}, link_group(last)), false});
    }
    rows.push_back({"STP's LLC behind a type", ethernet(0x0600, {0x42, 0x42, 0x03}, {}, link_group(0)), false});
    return rows;
}

std::vector<Arrival> neighbours() {
    const Tag service{kTypeServiceVlan, 100};
    const Tag customer{kTypeVlan, 7};
    const Bytes solicitation = icmpv6(135);
    return {
        {"ARP", ethernet(kTypeArp, arp()), true},
        {"ARP in an 802.1Q tag", ethernet(kTypeArp, arp(), {customer}), true},
        {"ARP in an 802.1ad tag", ethernet(kTypeArp, arp(), {service}), true},
        {"ARP in two tags", ethernet(kTypeArp, arp(), {service, customer}), true},
        {"ARP in a tag beside the packet", ethernet(kTypeArp, arp()), true, tag_beside(customer)},
        {"ARP in a tag beside and one in the packet", ethernet(kTypeArp, arp(), {customer}), true, tag_beside(service)},
        {"a router solicitation", ethernet(kTypeIpv6, icmpv6(133)), true},
        {"a router advertisement", ethernet(kTypeIpv6, icmpv6(134)), true},
        {"a neighbour solicitation", ethernet(kTypeIpv6, solicitation), true},
        {"a neighbour advertisement", ethernet(kTypeIpv6, icmpv6(136)), true},
        {"a redirect", ethernet(kTypeIpv6, icmpv6(137)), true},
        {"a neighbour solicitation in an 802.1Q tag", ethernet(kTypeIpv6, solicitation, {customer}), true},
        {"a neighbour solicitation in two tags", ethernet(kTypeIpv6, solicitation, {service, customer}), true},
        {"a neighbour solicitation in a tag beside", ethernet(kTypeIpv6, solicitation), true, tag_beside(customer)},
        {"a neighbour solicitation cut behind its type", ethernet(kTypeIpv6, first(41, solicitation)), true},
    };
}

// The kernel runs no test over an IPv6 type with less than an IPv6 header; behind a tag it does not look.
std::vector<Arrival> strangers() {
    const Tag tag{};
    const Bytes solicitation = icmpv6(135);
    return {
        {"UDP in IPv4", ethernet(kTypeIpv4, ipv4(17)), false},
        {"UDP in IPv6", ethernet(kTypeIpv6, ipv6(17, 64, Bytes(16))), false},
        {"UDP in a tag", ethernet(kTypeIpv4, ipv4(17), {tag}), false},
        {"UDP in a tag beside the packet", ethernet(kTypeIpv4, ipv4(17)), false, tag_beside(tag)},
        {"an IPv6 echo request", ethernet(kTypeIpv6, icmpv6(128)), false},
        {"an MLD done, the type before solicitations", ethernet(kTypeIpv6, icmpv6(132)), false},
        {"a router renumbering, the type behind redirects", ethernet(kTypeIpv6, icmpv6(138)), false},
        {"an MLDv2 report", ethernet(kTypeIpv6, icmpv6(143)), false},
        {"a solicitation with hop limit 254", ethernet(kTypeIpv6, icmpv6(135, 254)), false},
        {"a tagged solicitation with hop limit 254", ethernet(kTypeIpv6, icmpv6(135, 254), {tag}), false},
        {"a solicitation behind a hop-by-hop header", ethernet(kTypeIpv6, icmpv6_behind_options(135)), false},
        {"a solicitation cut before its type", ethernet(kTypeIpv6, first(40, solicitation)), false},
        {"a tagged solicitation cut in the addresses", ethernet(kTypeIpv6, first(20, solicitation), {tag}), false},
        {"a tag, an IPv6 type and one byte", ethernet(kTypeIpv6, {0x60}, {tag}), false},
        {"a tagged solicitation cut before its type", ethernet(kTypeIpv6, first(40, solicitation), {tag}), false},
        {"a solicitation that says it is IPv4", ethernet(kTypeIpv4, solicitation), false},
        {"IPv4 of protocol 58", ethernet(kTypeIpv4, ipv4(kIcmpv6, Bytes(24, 135))), false},
        {"ARP in three tags", ethernet(kTypeArp, arp(), {tag, tag, tag}), false},
        {"ARP in a tag of the old QinQ type", ethernet(kTypeArp, arp(), {{0x9100, 7}}), false},
        {"a tag cut in its value", first(15, ethernet(kTypeArp, arp(), {tag})), false},
        {"a tag cut in the type of what follows", first(17, ethernet(kTypeArp, arp(), {tag})), false},
        {"a second tag cut", first(20, ethernet(kTypeArp, arp(), {tag, tag})), false},
        {"reverse ARP", ethernet(0x8035, arp()), false},
        {"a length instead of a type", ethernet(38, Bytes(38)), false},
    };
}

std::vector<Arrival> everything() {
    std::vector<Arrival> rows = neighbours();
    for (auto others : {control(), no_control(), strangers()}) {
        rows.insert(rows.end(), others.begin(), others.end());
    }
    return rows;
}

TEST_F(HeadsUnattended, act_for_their_own_attachment_and_for_no_other) {
    const Bytes frame = ethernet(kTypeIpv4, ipv4(17));
    const auto shot = [&] { return head(Direction::kIn, on_watched(frame)).action == TC_ACT_SHOT; };
    attach(PFILD_FAIL_DROP);
    EXPECT_TRUE(shot());
    attach(0);
    EXPECT_FALSE(shot()) << "it is changed where it is";
    for (const std::uint32_t attachment : {0U, kNumber - 1, kNumber + 1}) {
        const pfild_interface later{
            .slot = kSlot, .flags = PFILD_FAIL_DROP, .ifindex = watched(), .attachment = attachment};
        ASSERT_TRUE(programs().set_interface(later));
        EXPECT_FALSE(shot()) << "the slot is of attachment " << attachment;
    }
    const pfild_interface elsewhere{.slot = kSlot, .flags = PFILD_FAIL_DROP, .ifindex = other(), .attachment = kNumber};
    ASSERT_TRUE(programs().set_interface(elsewhere));
    EXPECT_FALSE(shot()) << "the interface has another index now";
    const pfild_interface theirs{
        .slot = kOtherSlot, .flags = PFILD_FAIL_DROP, .ifindex = watched(), .attachment = kNumber};
    ASSERT_TRUE(programs().set_interface(theirs));
    EXPECT_FALSE(shot()) << "another slot says so";
    attach(PFILD_FAIL_DROP);
    EXPECT_TRUE(shot()) << "the twin";
    programs().clear_interface(kSlot);
    EXPECT_FALSE(shot()) << "withdrawn";
}

TEST_F(HeadsUnattended, an_interface_that_is_not_attached_is_none_of_their_business) {
    attach(PFILD_FAIL_DROP | kBoth);
    for (const Direction direction : kEachDirection) {
        const Bytes frame = ethernet(kTypeIpv4, ipv4(17));
        EXPECT_EQ(head(direction, {.frame = frame, .ifindex = other()}).action, kPass);
        EXPECT_EQ(counted(), "") << named(direction);
        // The twin: it is the interface that makes the difference.
        EXPECT_EQ(head(direction, on_watched(frame)).action, TC_ACT_SHOT);
        EXPECT_EQ(counted(), named(direction) + ".dropped_unattended+1");
        programs().clear_interface(kSlot);
        EXPECT_EQ(head(direction, on_watched(frame)).action, kPass) << "detached, " << named(direction);
        EXPECT_EQ(counted(), "") << named(direction);
        attach(PFILD_FAIL_DROP | kBoth);
    }
}

TEST_F(HeadsUnattended, unattended_with_unknown_drop_only_upkeep_passes) {
    attach(PFILD_FAIL_DROP | kBoth);
    for (const Direction direction : kEachDirection) {
        for (const Arrival& row : everything()) {
            Scene scene = on_watched(row.frame);
            scene.before = row.before;
            const Verdict verdict = head(direction, scene);
            const char* const counter = row.passes ? ".passed_unattended+1" : ".dropped_unattended+1";
            EXPECT_EQ(verdict.action, row.passes ? kPass : TC_ACT_SHOT) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(counted(), named(direction) + counter) << row.sentence;
            EXPECT_EQ(verdict.frame, row.frame) << named(direction) << " touched " << row.sentence;
        }
    }
}

TEST_F(HeadsUnattended, unattended_with_unknown_pass_everything_passes) {
    attach(kBoth);
    for (const Direction direction : kEachDirection) {
        for (const Arrival& row : everything()) {
            Scene scene = on_watched(row.frame);
            scene.before = row.before;
            EXPECT_EQ(head(direction, scene).action, kPass) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(counted(), named(direction) + ".passed_unattended+1") << row.sentence;
        }
    }
}

TEST_F(HeadsUnattended, without_a_hook_in_this_direction_everything_passes_also_in_drop_mode) {
    for (const Direction direction : kEachDirection) {
        const std::uint32_t elsewhere = direction == Direction::kIn ? PFILD_DIVERT_OUT : PFILD_DIVERT_IN;
        for (const std::uint32_t hooked : {0U, elsewhere}) {
            attach(PFILD_FAIL_DROP | hooked);
            attend(kernel::lane(kSlot, direction));
            for (const Arrival& row : everything()) {
                Scene scene = on_watched(row.frame);
                scene.before = row.before;
                EXPECT_EQ(head(direction, scene).action, kPass) << named(direction) << ": " << row.sentence;
                EXPECT_EQ(counted(), named(direction) + ".passed_unhooked+1") << row.sentence;
            }
            leave_unattended();
        }
    }
}

TEST_F(HeadsUnattended, a_lane_is_attended_as_long_as_its_socket_is_there) {
    attach(PFILD_FAIL_DROP);
    const Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
    attend(PFILD_LANE_IN(kSlot));
    attend(PFILD_LANE_OUT(kOtherSlot));
    EXPECT_EQ(head(Direction::kIn, scene).action, kPass);
    EXPECT_EQ(counted(), "in.passed_unhooked+1");
    EXPECT_EQ(head(Direction::kOut, scene).action, TC_ACT_SHOT)
        << "neither the other direction nor the other slot counts";
    EXPECT_EQ(counted(), "out.dropped_unattended+1");
    leave_unattended(); // closes; no table is written
    EXPECT_EQ(head(Direction::kIn, scene).action, TC_ACT_SHOT);
    EXPECT_EQ(counted(), "in.dropped_unattended+1");
}

TEST_F(HeadsUnattended, buffers_count_as_the_packets_they_stand_for) {
    struct SegmentsRow {
        const char* sentence;
        std::uint32_t segments;
        const char* by;
    };
    for (const SegmentsRow& row : {SegmentsRow{"a packet alone", 0, "+1"}, SegmentsRow{"one segment", 1, "+1"},
                                   SegmentsRow{"two segments", 2, "+2"}, SegmentsRow{"45 segments", 45, "+45"}}) {
        for (const Direction direction : kEachDirection) {
            Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(6)));
            scene.segments = row.segments;
            attach(0);
            EXPECT_EQ(head(direction, scene).action, kPass);
            EXPECT_EQ(counted(), named(direction) + ".passed_unattended" + row.by) << row.sentence;
            attach(PFILD_FAIL_DROP);
            EXPECT_EQ(head(direction, scene).action, TC_ACT_SHOT);
            EXPECT_EQ(counted(), named(direction) + ".dropped_unattended" + row.by) << row.sentence;
        }
    }
}

TEST_F(HeadsUnattended, a_daemon_that_lives_opens_nothing_while_a_lane_has_no_socket) {
    ASSERT_TRUE(programs().show_life());
    for (const std::uint32_t unknown : {0U, std::uint32_t{PFILD_FAIL_DROP}}) {
        attach(kBoth | unknown);
        for (const Direction direction : kEachDirection) {
            for (const Arrival& row : everything()) {
                Scene scene = on_watched(row.frame);
                scene.before = row.before;
                EXPECT_EQ(head(direction, scene).action, row.passes ? kPass : TC_ACT_SHOT) << row.sentence;
                EXPECT_EQ(counted(), named(direction) + (row.passes ? ".passed_neighbour+1" : ".dropped_repairing+1"));
            }
        }
        attach(unknown);
        EXPECT_EQ(head(Direction::kIn, on_watched(strangers()[0].frame)).action, kPass) << "no hook asks";
        EXPECT_EQ(counted(), "in.passed_unhooked+1");
    }
}

TEST_F(HeadsUnattended, an_interface_that_stood_down_is_unattended_though_the_daemon_lives) {
    ASSERT_TRUE(programs().show_life());
    const Bytes frame = strangers()[0].frame;
    attach(kBoth | PFILD_STOOD_DOWN);
    EXPECT_EQ(head(Direction::kIn, on_watched(frame)).action, kPass);
    EXPECT_EQ(counted(), "in.passed_unattended+1");
    attach(kBoth | PFILD_STOOD_DOWN | PFILD_FAIL_DROP);
    EXPECT_EQ(head(Direction::kIn, on_watched(frame)).action, TC_ACT_SHOT);
    EXPECT_EQ(counted(), "in.dropped_unattended+1");
}

} // namespace
} // namespace pfild::tests
