// SPDX-License-Identifier: BSD-2-Clause
// The program on the engine's end of a port: what a head labelled goes into the socket, all else is the port's own
// talk.
#include <linux/bpf.h>

#include "tests/prog/kernel_programs_test.h"

namespace pfild::tests {
namespace {

constexpr std::uint32_t kLane = PFILD_LANE_OUT(kSlot);

class PortUp : public KernelProgramsTest {
  protected:
    /// The action for a frame that comes up on `other`.
    [[nodiscard]] std::uint32_t action(const Bytes& frame) {
        (void)counted();
        const auto verdict = Stage::xdp_verdict(programs().port_up_fd(), frame, other());
        EXPECT_TRUE(verdict) << verdict.error();
        if (verdict) {
            EXPECT_EQ(verdict->frame, frame) << "a frame was changed";
        }
        return verdict.value_or(Verdict{.action = XDP_ABORTED}).action;
    }

    void know_the_port() {
        const auto set = programs().set_engine_port(other(), {.lane = kLane, .interface = 0});
        ASSERT_TRUE(set) << set.error().line();
    }
};

Bytes labelled(std::uint16_t label, std::uint16_t type = PFILD_LABEL_TYPE, const Bytes& payload = ipv4(17)) {
    return ethernet(kTypeIpv4, payload, {{type, label}});
}

TEST_F(PortUp, what_carries_a_heads_label_goes_into_the_socket_and_nothing_else_does) {
    know_the_port();
    attend(kLane);
    struct Row {
        const char* sentence;
        Bytes frame;
        bool goes_up;
    };
    const Row rows[] = {
        {"a labelled frame", labelled(PFILD_LABEL_MARK), true},
        {"a labelled frame that is forwarded", labelled(PFILD_LABEL_MARK | PFILD_LABEL_FWD), true},
        {"a label whose reserved bits are set", labelled(0xafff), true},
        {"a labelled frame with a tag", ethernet(kTypeIpv4, ipv4(17), {{PFILD_LABEL_TYPE, PFILD_LABEL_MARK}, {}}),
         true},
        {"a label and the type of what follows", first(18, labelled(PFILD_LABEL_MARK)), true},
        {"the shortest label", first(16, labelled(PFILD_LABEL_MARK)), true},
        {"a label cut by a byte", first(15, labelled(PFILD_LABEL_MARK)), false},
        {"the type of a label and nothing behind it", first(14, labelled(PFILD_LABEL_MARK)), false},
        {"a frame without label", ethernet(kTypeIpv4, ipv4(17)), false},
        {"a label in an 802.1Q tag", labelled(PFILD_LABEL_MARK, kTypeVlan), false},
        {"an 802.1ad tag of somebody else's", labelled(0x0064), false},
        {"a mark with a bit less", labelled(0x8000), false},
        {"a mark with a bit more", labelled(0xb000), false},
        {"a mark in the wrong byte order", labelled(0x00a0), false},
        {"no mark", labelled(0x0000), false},
        {"a label behind a tag", ethernet(kTypeIpv4, ipv4(17), {{}, {PFILD_LABEL_TYPE, PFILD_LABEL_MARK}}), false},
        {"an MLDv2 report of the port's own stack", ethernet(kTypeIpv6, icmpv6_behind_options(143), {}, kMulticastMac),
         false},
        {"a router solicitation of the port's own stack", ethernet(kTypeIpv6, icmpv6(133), {}, kMulticastMac), false},
        {"LLDP", ethernet(0x88cc, Bytes(46), {}, {0x01, 0x80, 0xc2, 0, 0, 0x0e}), false},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(action(row.frame), static_cast<std::uint32_t>(row.goes_up ? XDP_REDIRECT : XDP_DROP)) << row.sentence;
        EXPECT_EQ(counted(), row.goes_up ? "" : "out.dropped_stray+1") << row.sentence;
    }
}

TEST_F(PortUp, a_frame_in_several_buffers_is_judged_by_its_first) {
    know_the_port();
    attend(kLane);
    for (const std::size_t length : {std::size_t{8900}, std::size_t{40000}}) {
        EXPECT_EQ(action(labelled(PFILD_LABEL_MARK, PFILD_LABEL_TYPE, Bytes(length, 0xaa))), XDP_REDIRECT) << length;
        EXPECT_EQ(counted(), "") << length;
        EXPECT_EQ(action(ethernet(kTypeIpv4, Bytes(length, 0xaa))), XDP_DROP) << length;
        EXPECT_EQ(counted(), "out.dropped_stray+1") << length << ": a frame is one, in however many buffers";
    }
}

TEST_F(PortUp, a_port_that_nobody_knows_drops_and_has_no_lane_to_count_on) {
    attend(kLane);
    ASSERT_TRUE(programs().set_engine_port(watched(), {.lane = kLane, .interface = 0}));
    ASSERT_TRUE(programs().set_stack_port(other(), {.lane = kLane, .interface = watched()})); // the other namespace's
    EXPECT_EQ(action(labelled(PFILD_LABEL_MARK)), XDP_DROP);
    EXPECT_EQ(counted(), "");
    EXPECT_EQ(action(ethernet(kTypeIpv4, ipv4(17))), XDP_DROP);
    EXPECT_EQ(counted(), "");
    know_the_port();
    EXPECT_EQ(action(labelled(PFILD_LABEL_MARK)), XDP_REDIRECT) << "the twin";
}

TEST_F(PortUp, without_a_socket_in_its_own_lane_a_labelled_frame_is_dropped_never_given_to_the_ports_stack) {
    know_the_port();
    attend(PFILD_LANE_IN(kSlot));
    EXPECT_EQ(action(labelled(PFILD_LABEL_MARK)), XDP_DROP);
    EXPECT_EQ(counted(), "out.dropped_socketless+1");
    attend(kLane);
    EXPECT_EQ(action(labelled(PFILD_LABEL_MARK)), XDP_REDIRECT);
    EXPECT_EQ(counted(), "");
    leave_unattended();
    EXPECT_EQ(action(labelled(PFILD_LABEL_MARK)), XDP_DROP);
    EXPECT_EQ(counted(), "out.dropped_socketless+1");
}

} // namespace
} // namespace pfild::tests
