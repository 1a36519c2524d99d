// SPDX-License-Identifier: BSD-2-Clause
// What the heads send to the engine, and with which label.
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

using core::Direction;
using core::kEachDirection;

constexpr std::uint32_t kMark = 0xdeadbeef; // of the user's; nobody may touch it

class HeadsDivert : public KernelProgramsTest {
  protected:
    void SetUp() override {
        KernelProgramsTest::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        attach(PFILD_FAIL_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT);
        attend(PFILD_LANE_IN(kSlot));
        attend(PFILD_LANE_OUT(kSlot));
    }
};

TEST_F(HeadsDivert, every_packet_that_is_no_neighbours_goes_up_with_the_label_as_outermost_tag) {
    const Tag tag{kTypeVlan, 0x6007}; // priority 3, network 7
    const Tag service{kTypeServiceVlan, 100};
    const StageProps beside{.tagged = 1, .tag_type = tag.type, .tag_value = tag.value};
    const Bytes udp = ipv4(17);
    struct Row {
        const char* sentence;
        Bytes frame;
        StageProps before;
        Bytes frame_after; ///< with what was beside it now in it
    };
    const std::vector<Row> rows{
        {"UDP", ethernet(kTypeIpv4, udp), {}, ethernet(kTypeIpv4, udp)},
        {"UDP in IPv6", ethernet(kTypeIpv6, ipv6(17, 64, udp)), {}, ethernet(kTypeIpv6, ipv6(17, 64, udp))},
        {"an echo request", ethernet(kTypeIpv6, icmpv6(128)), {}, ethernet(kTypeIpv6, icmpv6(128))},
        {"a solicitation of hop limit 254",
         ethernet(kTypeIpv6, icmpv6(135, 254)),
         {},
         ethernet(kTypeIpv6, icmpv6(135, 254))},
        {"a tag in the packet", ethernet(kTypeIpv4, udp, {tag}), {}, ethernet(kTypeIpv4, udp, {tag})},
        {"a tag beside the packet", ethernet(kTypeIpv4, udp), beside, ethernet(kTypeIpv4, udp, {tag})},
        {"two tags in the packet",
         ethernet(kTypeIpv4, udp, {service, tag}),
         {},
         ethernet(kTypeIpv4, udp, {service, tag})},
        {"one beside, one in it", ethernet(kTypeIpv4, udp, {service}), beside,
         ethernet(kTypeIpv4, udp, {tag, service})},
        {"a listener's report of hop limit 2",
         ethernet(kTypeIpv6, listener_report(2)),
         {},
         ethernet(kTypeIpv6, listener_report(2))},
        {"ARP in three tags that name VLANs",
         ethernet(kTypeArp, arp(), {tag, tag, tag}),
         {},
         ethernet(kTypeArp, arp(), {tag, tag, tag})},
        {"what nobody understands", ethernet(0x1234, Bytes(46)), {}, ethernet(0x1234, Bytes(46))},
        {"a solicitation cut before its type",
         ethernet(kTypeIpv6, first(40, icmpv6(135))),
         {},
         ethernet(kTypeIpv6, first(40, icmpv6(135)))},
    };
    for (const Direction direction : kEachDirection) {
        for (const Row& row : rows) {
            Scene scene = on_watched(row.frame);
            scene.before = row.before;
            scene.mark = kMark;
            const Verdict verdict = head(direction, scene);
            EXPECT_EQ(verdict.action, TC_ACT_REDIRECT) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(counted(), named(direction) + ".diverted+1") << row.sentence;
            EXPECT_EQ(verdict.mark, kMark) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(verdict.frame, row.frame_after) << named(direction) << ": " << row.sentence;
            const StageProps left = left_by_head(direction, scene);
            EXPECT_EQ(left.tagged, 1U) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(left.tag_type, PFILD_LABEL_TYPE) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(left.tag_value, PFILD_LABEL_MARK) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(left.tc_index, 0U) << named(direction) << ": " << row.sentence;
        }
    }
}

TEST_F(HeadsDivert, the_label_says_forwarded_only_of_what_goes_out_and_once_came_in) {
    struct Row {
        const char* sentence;
        Direction direction;
        std::uint32_t came_in_by;
        std::uint32_t label;
    };
    const Row rows[] = {
        {"made here, going out", Direction::kOut, 0, PFILD_LABEL_MARK},
        {"came in elsewhere, going out", Direction::kOut, other(), PFILD_LABEL_MARK | PFILD_LABEL_FWD},
        {"came in here, going out", Direction::kOut, watched(), PFILD_LABEL_MARK | PFILD_LABEL_FWD},
        {"coming in", Direction::kIn, watched(), PFILD_LABEL_MARK},
        {"coming in, by nobody's account", Direction::kIn, 0, PFILD_LABEL_MARK},
        {"coming in from elsewhere, as from a bridge port", Direction::kIn, other(), PFILD_LABEL_MARK},
    };
    for (const Row& row : rows) {
        Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
        scene.ingress_ifindex = row.came_in_by;
        EXPECT_EQ(left_by_head(row.direction, scene).tag_value, row.label) << row.sentence;
    }
}

TEST_F(HeadsDivert, neighbour_traffic_passes_although_hooked) {
    struct Row {
        const char* sentence;
        Bytes frame;
    };
    const Row rows[] = {
        {"ARP", ethernet(kTypeArp, arp())},
        {"ARP in two tags", ethernet(kTypeArp, arp(), {{kTypeServiceVlan, 1}, {kTypeVlan, 2}})},
        {"a router solicitation", ethernet(kTypeIpv6, icmpv6(133))},
        {"a router advertisement", ethernet(kTypeIpv6, icmpv6(134))},
        {"a neighbour solicitation", ethernet(kTypeIpv6, icmpv6(135))},
        {"a neighbour advertisement", ethernet(kTypeIpv6, icmpv6(136))},
        {"a redirect", ethernet(kTypeIpv6, icmpv6(137))},
        {"a listener's report", ethernet(kTypeIpv6, listener_report())},
        {"one in two tags", ethernet(kTypeIpv6, listener_report(), {{kTypeServiceVlan, 1}, {kTypeVlan, 2}})},
        {"ARP behind five tags of VLAN 0", ethernet(kTypeArp, arp(), std::vector<Tag>(5, {kTypeVlan, 0}))},
        {"a solicitation behind 32", ethernet(kTypeIpv6, icmpv6(135), std::vector<Tag>(32, {kTypeServiceVlan, 0}))},
        {"ARP in two tags among such",
         ethernet(kTypeArp, arp(), {{kTypeVlan, 0}, {kTypeVlan, 5}, {kTypeVlan, 0}, {kTypeVlan, 6}, {kTypeVlan, 0}})},
    };
    for (const Direction direction : kEachDirection) {
        for (const Row& row : rows) {
            EXPECT_EQ(head(direction, on_watched(row.frame)).action, kPass) << named(direction) << ": " << row.sentence;
            EXPECT_EQ(counted(), named(direction) + ".passed_neighbour+1") << row.sentence;
            EXPECT_EQ(left_by_head(direction, on_watched(row.frame)).tagged, 0U) << "unlabelled: " << row.sentence;
        }
    }
}

TEST_F(HeadsDivert, what_keeps_the_link_up_is_diverted_if_a_hook_there_is_asked_about_that_class) {
    struct Row {
        std::string sentence;
        Bytes frame;
        std::uint32_t upkeep; ///< its class
    };
    const Tag tag{};
    std::vector<Row> rows{
        {"ARP", ethernet(kTypeArp, arp()), PFILD_UPKEEP_ARP},
        {"ARP in a tag", ethernet(kTypeArp, arp(), {tag}), PFILD_UPKEEP_CLASS(PFILD_UPKEEP_ARP, 1)},
        {"ARP in two", ethernet(kTypeArp, arp(), {tag, tag}), PFILD_UPKEEP_CLASS(PFILD_UPKEEP_ARP, 2)},
        {"ARP in a transparent tag", ethernet(kTypeArp, arp(), {{kTypeVlan, 0}}), PFILD_UPKEEP_ARP},
        {"a listener's report", ethernet(kTypeIpv6, listener_report()), PFILD_UPKEEP_LISTENERS_V2},
        {"one in a tag", ethernet(kTypeIpv6, listener_report(), {tag}),
         PFILD_UPKEEP_CLASS(PFILD_UPKEEP_LISTENERS_V2, 1)},
    };
    for (std::uint8_t type = 133; type <= 137; type++) {
        const std::uint32_t kind = PFILD_UPKEEP_DISCOVERY + type - 133U;
        rows.push_back({"ICMPv6", ethernet(kTypeIpv6, icmpv6(type)), kind});
        rows.push_back({"ICMPv6 in a tag", ethernet(kTypeIpv6, icmpv6(type), {tag}), PFILD_UPKEEP_CLASS(kind, 1)});
    }
    std::uint32_t control = PFILD_UPKEEP_EAPOL;
    for (const ControlFrame& frame : control_frames()) {
        rows.push_back({frame.name, frame_of(frame), control++});
    }
    for (const Direction direction : kEachDirection) {
        core::AskedUpkeep elsewhere{};
        elsewhere[1 - core::index(direction)] = core::kAllUpkeep;
        for (const Row& row : rows) {
            core::AskedUpkeep asked = elsewhere;
            asked[core::index(direction)] = PFILD_UPKEEP_BIT(row.upkeep);
            core::AskedUpkeep others = elsewhere;
            others[core::index(direction)] = ~PFILD_UPKEEP_BIT(row.upkeep);
            attach(PFILD_FAIL_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT, asked);
            EXPECT_EQ(head(direction, on_watched(row.frame)).action, TC_ACT_REDIRECT) << row.sentence;
            EXPECT_EQ(counted(), named(direction) + ".diverted+1") << row.sentence;
            attach(PFILD_FAIL_DROP | PFILD_DIVERT_IN | PFILD_DIVERT_OUT, others);
            EXPECT_EQ(head(direction, on_watched(row.frame)).action, kPass) << row.sentence;
            EXPECT_EQ(counted(), named(direction) + ".passed_neighbour+1") << row.sentence;
        }
    }
}

TEST_F(HeadsDivert, a_diverted_buffer_counts_its_segments) {
    for (const Direction direction : kEachDirection) {
        Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(6)));
        scene.segments = 12;
        EXPECT_EQ(head(direction, scene).action, TC_ACT_REDIRECT);
        EXPECT_EQ(counted(), named(direction) + ".diverted+12");
    }
}

TEST_F(HeadsDivert, a_hook_asks_in_its_direction_only) {
    const Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
    for (const Direction direction : kEachDirection) {
        attach(direction == Direction::kIn ? PFILD_DIVERT_IN : PFILD_DIVERT_OUT);
        for (const Direction asked : kEachDirection) {
            const bool hooked = asked == direction;
            EXPECT_EQ(head(asked, scene).action, hooked ? TC_ACT_REDIRECT : kPass) << named(asked);
            EXPECT_EQ(counted(), named(asked) + (hooked ? ".diverted+1" : ".passed_unhooked+1"));
        }
    }
}

TEST_F(HeadsDivert, the_stage_itself_does_what_the_other_tests_believe) {
    Scene scene = on_watched(ethernet(kTypeIpv4, ipv4(17)));
    EXPECT_EQ(stage().verdict_of_nobody(scene)->action, PFILD_STAGE_EMPTY);
    // A passing head hides nothing: what was set before is seen after.
    attach(0);
    scene.before = {
        .tc_index = 77, .packet_type = PACKET_OTHERHOST, .tagged = 1, .tag_type = kTypeVlan, .tag_value = 9};
    const StageProps left = left_by_head(Direction::kIn, scene);
    EXPECT_EQ(left.tc_index, 77U);
    EXPECT_EQ(left.packet_type, PACKET_OTHERHOST);
    EXPECT_EQ(left.tagged, 1U);
    EXPECT_EQ(left.tag_type, kTypeVlan);
    EXPECT_EQ(left.tag_value, 9U);
}

} // namespace
} // namespace pfild::tests
