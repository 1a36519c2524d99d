// SPDX-License-Identifier: BSD-2-Clause
// Hooks of what people write, asked about packets that a host's stack will see otherwise: which looks count.
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/pfil/cbpf_hook.h"
#include "core/pfil/folded.h"
#include "filter/expression.h"
#include "tests/unit/core/buffers.h"
#include "tests/unit/core/packet_bytes.h"

namespace pfild::filter {
namespace {

using core::Bytes;
using core::HeadType;
using core::OnMatch;

constexpr LinkType kEthernet{1};
constexpr LinkType kRaw{12};

/// 2001:db8::1 -> 2001:db8::2, next header as given.
Bytes ipv6(std::uint8_t next, const Bytes& behind) {
    Bytes bytes = core::ipv6(behind);
    bytes[6] = next;
    return bytes;
}

/// A SYN from port 4000.
Bytes syn(std::uint8_t port) { return {0x0f, 0xa0, 0, port, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 1, 0, 0, 0, 0, 0}; }

/// A header of 8 bytes: destination options, hop-by-hop, or that of an atomic fragment.
Bytes header(std::uint8_t next) { return {next, 0, 0, 0, 0, 0, 0, 0}; }

Bytes tagged(const std::vector<std::uint16_t>& vlans, std::uint16_t type, const Bytes& packet) {
    Bytes bytes(12, 2);
    for (const std::uint16_t vlan : vlans) {
        core::put16(bytes, core::kTypeVlan);
        core::put16(bytes, vlan);
    }
    core::put16(bytes, type);
    return core::joined(std::move(bytes), packet);
}

Bytes behind(std::uint8_t extension, std::uint8_t port, const std::vector<std::uint16_t>& vlans = {}) {
    return tagged(vlans, core::kTypeIpv6, ipv6(extension, core::joined(header(6), syn(port))));
}

Bytes in_tags(const std::vector<std::uint16_t>& vlans, std::uint8_t port) {
    Bytes packet = core::ipv4(syn(port));
    packet[9] = 6;
    return tagged(vlans, core::kTypeIpv4, packet);
}

core::CbpfHook hook(const std::string& expression, HeadType type, OnMatch on_match) {
    const auto instructions = compile(expression, type == HeadType::kEthernet ? kEthernet : kRaw, Names::kNumeric);
    EXPECT_TRUE(instructions) << expression;
    return {{.name = "cbpf:a", .type = type, .on_match = on_match}, *cbpf::Program::verify(*instructions)};
}

core::Verdict verdict_of(core::CbpfHook& hook, core::Frame& frame) {
    const core::PacketView view = parse(frame);
    const bool whole = hook.type() == HeadType::kEthernet;
    core::Packet packet{.frame = frame,
                        .view = view,
                        .offset = whole ? 0U : view.network_offset,
                        .length = whole ? frame.length() : view.network_length,
                        .direction = core::Direction::kIn,
                        .forwarded = false,
                        .ifindex = 1};
    EXPECT_EQ(hook.foresee(packet), hook.run(packet));
    return hook.run(packet);
}

struct OddRow {
    const char* sentence;
    const char* filter;
    HeadType type;
    OnMatch on_match;
    Bytes frame;
    bool passes;
};

TEST(OddPackets, a_hook_is_asked_about_the_looks_that_count) {
    constexpr HeadType kInet = HeadType::kInet;
    constexpr HeadType kInet6 = HeadType::kInet6;
    constexpr HeadType kFrame = HeadType::kEthernet;
    constexpr OnMatch kDrop = OnMatch::kDrop;
    constexpr OnMatch kPass = OnMatch::kPass;
    const std::vector<OddRow> rows{
        {"behind options", "tcp dst port 23", kInet6, kDrop, behind(60, 23), false},
        {"another port", "tcp dst port 23", kInet6, kDrop, behind(60, 24), true},
        {"the options themselves", "ip6 proto 60", kInet6, kDrop, behind(60, 24), false},
        {"an atomic fragment", "tcp dst port 23", kInet6, kDrop, behind(44, 23), false},
        {"allowed behind options", "tcp dst port 24", kInet6, kPass, behind(60, 24), true},
        {"not allowed behind options", "tcp dst port 24", kInet6, kPass, behind(60, 23), false},
        {"no TCP to a program that sees extension headers", "ip6 and not tcp", kInet6, kPass, behind(60, 23), false},
        {"fragments as such", "ip6 proto 44", kInet6, kPass, behind(44, 23), true},
        {"fragments as such, but these are options", "ip6 proto 44", kInet6, kPass, behind(60, 23), false},
        {"as such by a byte", "ip6[6] = 0", kInet6, kPass, behind(0, 23), true},
        {"as such, or not TCP", "ip6 proto 44 or (ip6 and not tcp)", kInet6, kPass, behind(60, 23), false},
        {"asked for, but another alternative matches", "(ip6 proto 60 and src host 2001:db8::77) or not tcp", kInet6,
         kPass, behind(60, 23), false},
        {"the tag asked for, but another alternative matches",
         "(ether proto 0x8100 and ether src 2:2:2:2:2:3) or not ip", kFrame, kPass, in_tags({0}, 23), false},
        {"as such and more", "ip6[6] = 60 and ip6[42:2] = 0", kInet6, kPass, behind(60, 23), false},
        {"in three tags", "tcp dst port 23", kInet, kDrop, in_tags({0, 0, 0}, 23), false},
        {"in 200", "tcp dst port 23", kInet, kDrop, in_tags(std::vector<std::uint16_t>(200), 23), false},
        {"in a tag that names a VLAN", "tcp dst port 23", kFrame, kDrop, in_tags({5}, 23), true},
        {"in one that does not", "tcp dst port 23", kFrame, kDrop, in_tags({0}, 23), false},
        {"in both", "vlan 5 and tcp dst port 23", kFrame, kDrop, in_tags({0, 5, 0}, 23), false},
        {"the tag itself", "vlan 0", kFrame, kDrop, in_tags({0}, 24), false},
        {"in one that does not, allowed", "tcp dst port 24", kFrame, kPass, in_tags({0, 0}, 24), true},
        {"in one that does not, not allowed", "tcp dst port 24", kFrame, kPass, in_tags({0, 0}, 23), false},
        {"tags as such", "vlan", kFrame, kPass, in_tags({0, 0, 0}, 23), true},
        {"tags as such, and there is none", "vlan", kFrame, kPass, in_tags({}, 23), false},
        {"all tags as such, and more", "vlan 0 and tcp dst port 24", kFrame, kPass, in_tags({0}, 24), true},
        {"all tags as such, another port", "vlan 0 and tcp dst port 24", kFrame, kPass, in_tags({0}, 23), false},
        {"not all tags", "vlan and not tcp dst port 23", kFrame, kPass, in_tags({0, 0}, 23), false},
        {"no TCP to a program that sees the tag", "not tcp", kFrame, kPass, in_tags({0}, 23), false},
        {"tags and options", "ip6 and tcp dst port 23", kFrame, kDrop, behind(60, 23, {0, 0, 0}), false},
        {"a tag that is asked for, and options", "vlan 0 and ip6 and tcp dst port 23", kFrame, kDrop,
         behind(60, 23, {0}), false},
        {"options that are asked for, and a tag", "ip6 proto 60", kFrame, kPass, behind(60, 23, {0, 0}), true},
        {"tags and options, allowed", "tcp dst port 24", kFrame, kPass, behind(0, 24, {0, 0, 0}), true},
        {"more than two VLANs stay opaque", "tcp dst port 23", kFrame, kDrop, in_tags({5, 6, 7}, 23), true},
    };
    core::Buffers buffers(64, 2048);
    for (const OddRow& row : rows) {
        for (const std::size_t first : {std::size_t{2000}, std::size_t{13}, std::size_t{60}}) {
            SCOPED_TRACE(std::string(row.sentence) + ", cut at " + std::to_string(first));
            core::CbpfHook asked = hook(row.filter, row.type, row.on_match);
            core::Frame frame = buffers.cut(row.frame, {first, 1, 40});
            EXPECT_EQ(verdict_of(asked, frame).stops(), !row.passes);
        }
    }
    buffers.expect_all_free();
}

TEST(OddPackets, a_hook_that_counts_counts_a_packet_once) {
    core::Buffers buffers;
    core::CbpfHook counting = hook("ip6", HeadType::kEthernet, OnMatch::kCount);
    core::Frame frame = buffers.frame(behind(60, 23, {0, 0}));
    EXPECT_FALSE(verdict_of(counting, frame).stops()); // it runs twice
    EXPECT_EQ(counting.tally().seen_packets, 2U);
    EXPECT_EQ(counting.tally().matched_packets, 2U);
}

TEST(OddPackets, a_hook_says_what_it_asks_for_as_such) {
    struct Asked {
        const char* filter;
        HeadType type;
        std::string what;
    };
    for (const Asked& row : {
             Asked{"tcp dst port 23", HeadType::kInet6, ""},
             Asked{"icmp6", HeadType::kInet6, ""},
             Asked{"not tcp", HeadType::kInet6, ""},
             Asked{"ip6 proto 59", HeadType::kInet6, ""},
             Asked{"ip6 proto 44", HeadType::kInet6, "next header"},
             Asked{"ip6[6] = 0", HeadType::kInet6, "next header"},
             Asked{"tcp dst port 23", HeadType::kEthernet, ""},
             Asked{"arp or ip", HeadType::kEthernet, ""},
             Asked{"vlan", HeadType::kEthernet, "tags"},
             Asked{"vlan 5 and tcp port 22", HeadType::kEthernet, "tags"},
             Asked{"ip6 proto 60", HeadType::kEthernet, "next header"},
             Asked{"ip6 proto 44 or vlan", HeadType::kEthernet, "tags and next header"},
             Asked{"ip proto 44", HeadType::kInet, ""},
         }) {
        const auto info = hook(row.filter, row.type, OnMatch::kPass).program_info();
        EXPECT_EQ(info->as_it_is.value_or(""), row.what) << row.filter;
    }
}

} // namespace
} // namespace pfild::filter
