// SPDX-License-Identifier: BSD-2-Clause
// The walk: which hooks see a packet, in which order, what they are shown, and whose the frame is afterwards.
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/core/packet_bytes.h"
#include "tests/unit/core/test_hooks.h"

namespace pfild::core {
namespace {

const Bytes kV4 = ethernet({}, kTypeIpv4, joined(ipv4(udp(53)), Bytes(10, 0))); // 36 bytes of IP, 10 of padding
const Bytes kV6 = ethernet({kTypeServiceVlan, kTypeVlan}, kTypeIpv6, ipv6(udp(53)));
const Bytes kArp = ethernet({}, kTypeArp, Bytes(28, 1));

class PfilRun : public RegistryTest {
  protected:
    /// A hook that notes its name when it runs, linked to a head both ways; what it does then is `function`.
    void link_noting(const std::string& name, HeadType type, const std::string& head,
                     const FunctionHook::Function& function = {}) {
        add(name, type, [this, name, function](Packet& packet) {
            ran_.push_back(name);
            return function ? function(packet) : Verdict::pass();
        });
        expect_ok(link(name, head, kBoth));
    }

    Verdict run(Frame& frame, Direction direction, bool forwarded = false) {
        ran_.clear();
        view_ = parse(frame);
        const Passage passage{.interface_slot = kSlot, .direction = direction, .forwarded = forwarded, .ifindex = 7};
        return run_heads(publisher_.snapshot(), passage, frame, view_);
    }
    Verdict run(const Bytes& bytes, Direction direction, bool forwarded = false) {
        frame_ = buffers_.frame(bytes);
        return run(frame_, direction, forwarded);
    }

    Buffers buffers_; // outlives every frame
    Frame frame_;
    PacketView view_;
    Names ran_;
};

TEST_F(PfilRun, with_no_hooks_everything_passes) {
    for (const Direction direction : kEachDirection) {
        EXPECT_EQ(run(kV4, direction), Verdict::pass());
        EXPECT_EQ(bytes_of(frame_), kV4);
    }
}

TEST_F(PfilRun, an_answer_lasts_if_every_hook_that_was_asked_says_so_of_its_own) {
    const auto says = [](Verdict verdict) { return [verdict](Packet&) { return verdict; }; };
    const Verdict lasting = Verdict::pass().lasting(true);
    EXPECT_TRUE(run(kV4, Direction::kIn).lasts) << "no hook at all";
    link_noting("t:a", HeadType::kInet, "inet", says(lasting));
    EXPECT_TRUE(run(kV4, Direction::kIn).lasts);
    link_noting("t:b", HeadType::kEthernet, "ethernet", says(Verdict::pass()));
    EXPECT_FALSE(run(kV4, Direction::kIn).lasts);
    link_noting("t:c", HeadType::kInet, "inet", says(Verdict::dropped().lasting(true)));
    EXPECT_FALSE(run(kV4, Direction::kIn).lasts) << "another packet may not come as far";
    expect_ok(registry_.remove_hook("t:b"));
    const Verdict verdict = run(kV4, Direction::kIn);
    EXPECT_EQ(verdict, Verdict::dropped());
    EXPECT_TRUE(verdict.lasts);
    expect_ok(registry_.remove_hook("t:c"));
    link_noting("t:d", HeadType::kInet, "inet", says(Verdict::consumed().lasting(true)));
    EXPECT_FALSE(run(kV4, Direction::kIn).lasts) << "what keeps packets wants them";
    expect_ok(registry_.remove_hook("t:d"));
    link_noting("t:e", HeadType::kInet, "inet", [&](Packet& packet) {
        packet.frame.trim_front(1);
        return lasting;
    });
    EXPECT_FALSE(run(kV4, Direction::kIn).lasts) << "the packet was changed";
}

TEST_F(PfilRun, to_foresee_runs_no_hook) {
    link_noting("t:a", HeadType::kInet, "inet", [](Packet&) { return Verdict::dropped(); });
    frame_ = buffers_.frame(kV4);
    view_ = parse(frame_);
    const Passage passage{.interface_slot = kSlot, .direction = Direction::kIn, .ifindex = 7};
    const Verdict verdict = foresee_heads(publisher_.snapshot(), passage, frame_, view_);
    EXPECT_EQ(verdict, Verdict::pass());
    EXPECT_FALSE(verdict.lasts) << "it does not know";
    EXPECT_TRUE(ran_.empty());
}

TEST_F(PfilRun, visits_the_heads_from_the_wire_inwards_and_back) {
    link_noting("t:inet", HeadType::kInet, "inet");
    link_noting("t:inet6", HeadType::kInet6, "inet6");
    link_noting("t:link", HeadType::kEthernet, "ethernet");
    link_noting("t:nic", HeadType::kEthernet, "eth0");
    struct Row {
        const char* sentence;
        Bytes bytes;
        Direction direction;
        Names ran;
    };
    for (const Row& row : {
             Row{"IPv4 in", kV4, Direction::kIn, {"t:nic", "t:link", "t:inet"}},
             Row{"IPv4 out", kV4, Direction::kOut, {"t:inet", "t:link", "t:nic"}},
             Row{"IPv6 in, tagged twice", kV6, Direction::kIn, {"t:nic", "t:link", "t:inet6"}},
             Row{"IPv6 out, tagged twice", kV6, Direction::kOut, {"t:inet6", "t:link", "t:nic"}},
             Row{"ARP in meets no IP head", kArp, Direction::kIn, {"t:nic", "t:link"}},
             Row{"ARP out meets no IP head", kArp, Direction::kOut, {"t:link", "t:nic"}},
             Row{"a frame too short for a header", Bytes(6, 0), Direction::kIn, {"t:nic", "t:link"}},
         }) {
        SCOPED_TRACE(row.sentence);
        EXPECT_EQ(run(row.bytes, row.direction), Verdict::pass());
        EXPECT_EQ(ran_, row.ran);
    }
}

TEST_F(PfilRun, meets_the_head_of_its_own_interface_only) {
    expect_ok(registry_.register_head({.name = "eth1", .type = HeadType::kEthernet, .slot = kSlot + 1}));
    link_noting("t:other", HeadType::kEthernet, "eth1");
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::pass());
    EXPECT_EQ(ran_, Names{});
}

TEST_F(PfilRun, PF_20_runs_the_hooks_of_a_head_in_order) {
    for (const char* name : {"t:a", "t:b", "t:c"}) {
        link_noting(name, HeadType::kInet, "inet");
    }
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::pass());
    EXPECT_EQ(ran_, (Names{"t:c", "t:b", "t:a"}));
    EXPECT_EQ(run(kV4, Direction::kOut), Verdict::pass());
    EXPECT_EQ(ran_, (Names{"t:a", "t:b", "t:c"}));
}

TEST_F(PfilRun, PF_24_shows_each_head_its_own_header_and_length) {
    const auto expect_shown = [](std::uint32_t offset, std::uint32_t length) {
        return [offset, length](Packet& packet) {
            EXPECT_EQ(packet.offset, offset);
            EXPECT_EQ(packet.length, length);
            return Verdict::pass();
        };
    };
    link_noting("t:inet", HeadType::kInet, "inet", expect_shown(14, 36));
    link_noting("t:inet6", HeadType::kInet6, "inet6", expect_shown(22, 56));
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::pass());
    EXPECT_EQ(run(kV6, Direction::kIn), Verdict::pass());
    link_noting("t:link", HeadType::kEthernet, "ethernet", expect_shown(0, 60));
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::pass());
    EXPECT_EQ(ran_, (Names{"t:link", "t:inet"}));
    EXPECT_EQ(bytes_of(frame_), kV4) << "nothing is stripped or swapped";
}

TEST_F(PfilRun, PF_15_test_10_forwarded_is_shown_on_output_only) {
    std::vector<bool> shown;
    for (const auto& [type, head] : {std::pair{HeadType::kInet, "inet"}, {HeadType::kEthernet, "eth0"}}) {
        link_noting("t:" + std::string(head), type, head, [&](Packet& packet) {
            EXPECT_EQ(packet.ifindex, 7U);
            shown.push_back(packet.forwarded);
            return Verdict::pass();
        });
    }
    struct Row {
        const char* sentence;
        Direction direction;
        bool forwarded;
        bool shown;
    };
    for (const Row& row : {
             Row{"forwarded output", Direction::kOut, true, true},
             Row{"output made here", Direction::kOut, false, false},
             Row{"input", Direction::kIn, false, false},
             Row{"input, whatever the label says", Direction::kIn, true, false},
         }) {
        SCOPED_TRACE(row.sentence);
        shown.clear();
        EXPECT_EQ(run(kV4, row.direction, row.forwarded), Verdict::pass());
        EXPECT_EQ(shown, (std::vector<bool>{row.shown, row.shown}));
    }
}

TEST_F(PfilRun, PF_12_test_7_a_drop_ends_the_walk_with_its_errno_and_frees_the_packet_once) {
    link_noting("t:last", HeadType::kInet, "inet");
    link_noting("t:dropper", HeadType::kInet, "inet", [](Packet&) { return Verdict::dropped(EHOSTUNREACH); });
    link_noting("t:first", HeadType::kEthernet, "ethernet");
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::dropped(EHOSTUNREACH));
    EXPECT_EQ(ran_, (Names{"t:first", "t:dropper"}));
    EXPECT_TRUE(frame_.empty());
    buffers_.expect_all_free();
    EXPECT_EQ(run(kV4, Direction::kOut), Verdict::dropped(EHOSTUNREACH));
    EXPECT_EQ(ran_, (Names{"t:last", "t:dropper"})) << "nor do later heads run";
    buffers_.expect_all_free();
}

TEST_F(PfilRun, PF_22_a_hook_that_drops_may_have_freed_or_replaced_the_frame_itself) {
    link_noting("t:freed", HeadType::kInet, "inet", [](Packet& packet) {
        packet.frame.reset();
        return Verdict::dropped();
    });
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::dropped(EACCES));
    buffers_.expect_all_free();
    expect_ok(registry_.remove_hook("t:freed"));
    link_noting("t:replaced", HeadType::kInet, "inet", [this](Packet& packet) {
        packet.frame = buffers_.frame(kV6);
        return Verdict::dropped(EPERM);
    });
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::dropped(EPERM));
    EXPECT_TRUE(frame_.empty());
    buffers_.expect_all_free();
}

TEST_F(PfilRun, PF_22_test_8_a_hook_that_keeps_the_packet_has_consumed_it_whatever_it_says) {
    link_noting("t:later", HeadType::kInet, "inet");
    for (const Verdict said : {Verdict::pass(), Verdict::consumed(), Verdict::reallocated()}) {
        SCOPED_TRACE(name(said.action));
        Frame kept;
        link_noting("t:keeper", HeadType::kInet, "inet", [&](Packet& packet) {
            kept = std::move(packet.frame);
            return said;
        });
        EXPECT_EQ(run(kV4, Direction::kIn), Verdict::consumed());
        EXPECT_EQ(ran_, Names{"t:keeper"});
        EXPECT_TRUE(frame_.empty());
        EXPECT_EQ(bytes_of(kept), kV4) << "the walk left it alone";
        kept.reset();
        buffers_.expect_all_free();
        expect_ok(registry_.remove_hook("t:keeper"));
    }
}

TEST_F(PfilRun, PF_22_a_hook_that_says_consumed_leaves_nothing_to_the_caller) {
    link_noting("t:a", HeadType::kInet, "inet", [](Packet&) { return Verdict::consumed(); });
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::consumed());
    EXPECT_TRUE(frame_.empty());
    buffers_.expect_all_free();
}

TEST_F(PfilRun, PF_23_test_9_a_replaced_packet_is_what_later_hooks_and_the_caller_see) {
    const Bytes longer = ethernet({kTypeVlan}, kTypeIpv4, ipv4(udp(53, 100)));
    for (const Verdict said : {Verdict::pass(), Verdict::reallocated()}) {
        SCOPED_TRACE(name(said.action));
        link_noting("t:inet", HeadType::kInet, "inet", [&](Packet& packet) {
            EXPECT_EQ(bytes_of(packet.frame), longer);
            EXPECT_EQ(packet.offset, 18U);
            EXPECT_EQ(packet.length, 128U);
            EXPECT_EQ(packet.view.tags, 1);
            return Verdict::pass();
        });
        link_noting("t:replace", HeadType::kEthernet, "eth0", [&](Packet& packet) {
            Frame fresh = buffers_.frame(longer);
            packet.frame = std::move(fresh);
            return said;
        });
        EXPECT_EQ(run(kV4, Direction::kIn), Verdict::reallocated());
        EXPECT_EQ(ran_, (Names{"t:replace", "t:inet"}));
        EXPECT_EQ(bytes_of(frame_), longer);
        EXPECT_EQ(view_.network_offset, 18);
        expect_ok(registry_.remove_hook("t:inet"));
        expect_ok(registry_.remove_hook("t:replace"));
    }
    frame_.reset();
    buffers_.expect_all_free();
}

TEST_F(PfilRun, PF_23_a_packet_changed_in_place_is_looked_at_again_when_its_length_changes_or_the_hook_says_so) {
    link_noting("t:inet6", HeadType::kInet6, "inet6");
    link_noting("t:untag", HeadType::kEthernet, "ethernet", [](Packet& packet) {
        packet.frame.trim_front(8); // both tags off: the MACs go 8 bytes further, over them
        const Bytes macs(kV6.begin(), kV6.begin() + 12);
        std::copy(macs.begin(), macs.end(), packet.frame.head().begin());
        return Verdict::pass();
    });
    EXPECT_EQ(run(kV6, Direction::kIn), Verdict::reallocated());
    EXPECT_EQ(ran_, (Names{"t:untag", "t:inet6"}));
    EXPECT_EQ(view_.tags, 0);
    EXPECT_EQ(bytes_of(frame_), ethernet({}, kTypeIpv6, ipv6(udp(53))));
    expect_ok(registry_.remove_hook("t:untag"));

    link_noting("t:not-ip", HeadType::kEthernet, "ethernet", [](Packet& packet) {
        packet.frame.head()[20] = 0x08; // the type behind both tags: ARP
        packet.frame.head()[21] = 0x06;
        return Verdict::reallocated();
    });
    EXPECT_EQ(run(kV6, Direction::kIn), Verdict::reallocated());
    EXPECT_EQ(ran_, (Names{"t:not-ip"})) << "what is not IPv6 any more does not reach inet6";
}

TEST_F(PfilRun, PF_23_later_hooks_of_a_head_never_see_another_family_than_its_own) {
    link_noting("t:inet", HeadType::kInet, "inet");
    link_noting("t:translate", HeadType::kInet, "inet", [this](Packet& packet) {
        packet.frame = buffers_.frame(kV6);
        return Verdict::reallocated();
    });
    link_noting("t:link", HeadType::kEthernet, "ethernet");
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::reallocated());
    EXPECT_EQ(ran_, (Names{"t:link", "t:translate"}));
    EXPECT_EQ(view_.family, Family::kInet6);
    EXPECT_EQ(run(kV4, Direction::kOut), Verdict::reallocated());
    EXPECT_EQ(ran_, (Names{"t:inet", "t:translate", "t:link"})) << "a link head sees every family";
}

TEST_F(PfilRun, a_hook_may_change_bytes_in_place) {
    link_noting("t:inet", HeadType::kInet, "inet", [](Packet& packet) {
        EXPECT_EQ(packet.frame.head()[0], 0xee);
        return Verdict::pass();
    });
    link_noting("t:write", HeadType::kEthernet, "ethernet", [](Packet& packet) {
        packet.frame.head()[0] = 0xee;
        return Verdict::pass();
    });
    EXPECT_EQ(run(kV4, Direction::kIn), Verdict::pass());
    EXPECT_EQ(frame_.head()[0], 0xee);
}

TEST_F(PfilRun, sees_a_packet_in_many_buffers_as_one) {
    link_noting("t:inet", HeadType::kInet, "inet", [](Packet& packet) {
        EXPECT_EQ(packet.offset, 14U);
        EXPECT_EQ(packet.length, 36U);
        return Verdict::pass();
    });
    Frame frame = buffers_.cut(kV4, {1, 13, 1, 1, 1});
    EXPECT_EQ(run(frame, Direction::kIn), Verdict::pass());
    EXPECT_EQ(ran_, Names{"t:inet"});
    EXPECT_EQ(bytes_of(frame), kV4);
}

TEST(PfilVerdict, names_every_action_and_knows_which_ones_stop) {
    EXPECT_EQ(name(Action::kPass), "pass");
    EXPECT_EQ(name(Action::kDropped), "dropped");
    EXPECT_EQ(name(Action::kConsumed), "consumed");
    EXPECT_EQ(name(Action::kReallocated), "reallocated");
    EXPECT_FALSE(Verdict::pass().stops());
    EXPECT_TRUE(Verdict::dropped().stops());
    EXPECT_TRUE(Verdict::consumed().stops());
    EXPECT_FALSE(Verdict::reallocated().stops());
}

} // namespace
} // namespace pfild::core
