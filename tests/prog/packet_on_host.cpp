// SPDX-License-Identifier: BSD-2-Clause
// include/pfild/packet.h as host code, where a sanitizer can watch it: the same lines run in the heads.
#include "pfild/packet.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include <gtest/gtest.h>

#include "pfild/upkeep.h"
#include "pfild/upper_layer.h"
#include "tests/prog/frames.h"

namespace pfild::tests {
namespace {

/// Read whole, as the engine does.
pfild_packet read_whole(const Bytes& frame) {
    pfild_packet packet{};
    const std::uint8_t* end = frame.data() + frame.size();
    const std::uint8_t* at = pfild_read_link(&packet, frame.data(), end, 1);
    if (at != nullptr) {
        pfild_read_network(&packet, at, end, static_cast<std::uint32_t>(frame.size()) - packet.network);
    }
    return packet;
}

// --- discovery ---

/// As heads ask: 41 bytes for neighbours, 9 more behind the header for listeners.
bool is_discovery(const Bytes& packet) {
    std::array<std::uint8_t, PFILD_INET6_HEADER + PFILD_LISTENER_LOOK> look{};
    std::memcpy(look.data(), packet.data(), std::min(packet.size(), look.size()));
    const std::uint8_t* behind = &look[PFILD_INET6_HEADER];
    if (look[6] == PFILD_ICMPV6) {
        return pfild_discovery_kind(behind[0], look[7]) != PFILD_NO_UPKEEP;
    }
    return look[6] == PFILD_HOP_BY_HOP && pfild_listener_kind(look.data(), behind) != PFILD_NO_UPKEEP;
}

struct Row {
    const char* sentence;
    Bytes packet;
    bool discovery;
};

TEST(PacketOnHost, neighbour_discovery_is_what_rfc_4861_accepts_and_nothing_else) {
    const std::array rows{
        Row{"a router solicitation", icmpv6(133), true},
        Row{"a router advertisement", icmpv6(134), true},
        Row{"a neighbour solicitation", icmpv6(135), true},
        Row{"a neighbour advertisement", icmpv6(136), true},
        Row{"a redirect", icmpv6(137), true},
        Row{"an MLD done: the type before", icmpv6(132), false},
        Row{"a router renumbering: the type behind", icmpv6(138), false},
        Row{"an echo request", icmpv6(128), false},
        Row{"an MLDv2 report", icmpv6(143), false},
        Row{"a solicitation that a router forwarded: hop limit 254", icmpv6(135, 254), false},
        Row{"a solicitation with hop limit 1", icmpv6(135, 1), false},
        Row{"a solicitation with hop limit 0", icmpv6(135, 0), false},
        Row{"a solicitation behind a hop-by-hop header", icmpv6_behind_options(135), false},
        Row{"a hop-by-hop header whose first byte reads like a solicitation", ipv6(0, 255, Bytes(24, 135)), false},
        Row{"UDP whose first byte reads like a solicitation", ipv6(17, 255, Bytes(24, 135)), false},
        Row{"ICMP of IPv4 in IPv6", ipv6(1, 255, Bytes(24, 135)), false},
        Row{"a fragment", ipv6(44, 255, Bytes(24, 135)), false},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(is_discovery(row.packet), row.discovery) << row.sentence;
    }
}

TEST(PacketOnHost, every_icmpv6_type_but_five_is_no_neighbour_discovery) {
    for (unsigned type = 0; type <= 255; type++) {
        const bool expected = type >= 133 && type <= 137;
        EXPECT_EQ(is_discovery(icmpv6(static_cast<std::uint8_t>(type))), expected) << "type " << type;
    }
}

Bytes with(Bytes packet, std::size_t at, const Bytes& there) {
    std::copy(there.begin(), there.end(), packet.begin() + static_cast<std::ptrdiff_t>(at));
    return packet;
}

TEST(PacketOnHost, listener_discovery_is_of_this_link_behind_a_router_alert_and_nothing_else) {
    const Bytes link_local{0xfe, 0x80};
    const Bytes report = with(ipv6(0, 1, joined({kIcmpv6, 0, 5, 2, 0, 0, 1, 0, 143}, Bytes(23))), 8, link_local);
    const std::array rows{
        Row{"as Linux sends it", report, true},
        Row{"without a source", with(report, 8, Bytes(16)), true},
        Row{"padding first", with(report, 42, {1, 0, 5, 2, 0, 0}), true},
        Row{"padding of two single bytes", with(report, 46, {0, 0}), true},
        Row{"a query", with(report, 48, {130}), true},
        Row{"a report of version 1", with(report, 48, {131}), true},
        Row{"done", with(report, 48, {132}), true},
        Row{"an echo request", with(report, 48, {128}), false},
        Row{"an advertisement", with(report, 48, {134}), false},
        Row{"hop limit 2", with(report, 7, {2}), false},
        Row{"hop limit 255", with(report, 7, {255}), false},
        Row{"from a global address", with(report, 8, {0x20, 0x01}), false},
        Row{"from an address that begins like one of the link", with(report, 8, {0xfe, 0xc0}), false},
        Row{"no alert", with(report, 42, {1, 4, 0, 0, 0, 0}), false},
        Row{"an alert for others", with(report, 45, {1}), false},
        Row{"an option behind the alert", with(report, 46, {5, 0}), false},
        Row{"TCP", with(report, 40, {6}), false},
        Row{"a longer header", with(report, 41, {1}), false},
        Row{"destination options", with(report, 6, {60}), false},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(is_discovery(row.packet), row.discovery) << row.sentence;
    }
}

// --- tags ---

TEST(PacketOnHost, a_tag_is_announced_by_two_types_in_network_byte_order) {
    struct TypeRow {
        const char* sentence;
        std::array<std::uint8_t, 2> bytes;
        bool vlan;
    };
    const std::array rows{
        TypeRow{"802.1Q", {0x81, 0x00}, true},
        TypeRow{"802.1ad", {0x88, 0xa8}, true},
        TypeRow{"802.1Q in the wrong byte order", {0x00, 0x81}, false},
        TypeRow{"802.1ad in the wrong byte order", {0xa8, 0x88}, false},
        TypeRow{"the old QinQ type", {0x91, 0x00}, false},
        TypeRow{"ARP", {0x08, 0x06}, false},
        TypeRow{"IPv6", {0x86, 0xdd}, false},
    };
    for (const TypeRow& row : rows) {
        __be16 type = 0;
        std::memcpy(&type, row.bytes.data(), sizeof(type));
        EXPECT_EQ(pfild_is_tag(type) != 0, row.vlan) << row.sentence;
    }
}

TEST(PacketOnHost, any_number_of_tags_of_vlan_0_is_looked_through_in_any_place) {
    const Tag zero{kTypeVlan, 0xe000}; // of the highest priority
    const Tag service_zero{kTypeServiceVlan, 0};
    const Tag five{kTypeVlan, 5};
    const Tag six{kTypeServiceVlan, 6};
    struct TagRow {
        const char* sentence;
        std::vector<Tag> tags;
        unsigned real;
        unsigned transparent;
        std::uint8_t family;
    };
    const std::vector<TagRow> rows{
        {"none", {}, 0, 0, 4},
        {"one", {zero}, 0, 1, 4},
        {"three", {zero, service_zero, zero}, 0, 3, 4},
        {"300", std::vector<Tag>(300, zero), 0, 300, 4},
        {"in front of a real one", {zero, five}, 1, 1, 4},
        {"behind", {five, zero}, 1, 1, 4},
        {"in front, between and behind", {zero, six, zero, zero, five, service_zero}, 2, 4, 4},
        {"a third real tag is as far as it goes", {six, five, zero, five}, 2, 1, 0},
        {"as is a third at once", {six, five, five}, 2, 0, 0},
    };
    for (const TagRow& row : rows) {
        const pfild_packet packet = read_whole(ethernet(kTypeIpv4, ipv4(kUdp), row.tags));
        EXPECT_EQ(packet.tags, row.real) << row.sentence;
        EXPECT_EQ(packet.transparent, row.transparent) << row.sentence;
        EXPECT_EQ(packet.family, row.family) << row.sentence;
        EXPECT_EQ(packet.network, 14 + 4 * (row.real + row.transparent)) << row.sentence;
    }
}

// --- extension headers ---

struct Extension {
    std::uint8_t number;
    Bytes bytes; ///< the first is the next header, filled in later
};

Extension options(std::uint8_t number, std::uint8_t eights = 0) {
    Bytes bytes(8 + 8U * eights);
    bytes[1] = eights;
    bytes[2] = 1; // padding
    bytes[3] = static_cast<std::uint8_t>(4 + 8U * eights);
    return {number, bytes};
}
Extension hop_by_hop() { return options(0); }
Extension destination() { return options(60); }
Extension routing(std::uint8_t type = 2, std::uint8_t left = 0) { return {43, {0, 0, type, left, 0, 0, 0, 0}}; }
Extension fragment(std::uint16_t eights = 0, bool more = false) {
    const auto value = static_cast<std::uint16_t>(eights << 3U | (more ? 1 : 0));
    return {44, {0, 0, static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value), 0, 0, 0, 1}};
}
Extension authentication() { return {51, {0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}; }
Extension mobility() { return {135, Bytes(8)}; }
Extension host_identity() { return {139, Bytes(8)}; }
Extension shim6() { return {140, Bytes(8)}; }

Bytes extended(const std::vector<Extension>& extensions, std::uint8_t upper, const Bytes& payload) {
    Bytes behind;
    for (std::size_t i = 0; i < extensions.size(); i++) {
        Bytes bytes = extensions[i].bytes;
        bytes[0] = i + 1 < extensions.size() ? extensions[i + 1].number : upper;
        behind = joined(std::move(behind), bytes);
    }
    return ethernet(kTypeIpv6, ipv6(extensions.empty() ? upper : extensions[0].number, 64, joined(behind, payload)));
}

/// From port 4000 to 23, a SYN.
Bytes tcp() {
    Bytes bytes{0x0f, 0xa0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0};
    return bytes;
}

struct ExtensionsRow {
    const char* sentence;
    std::vector<Extension> extensions;
    bool bad;
};

TEST(PacketOnHost, extension_headers_are_walked_to_the_ports_or_are_bad) {
    const std::vector<ExtensionsRow> rows{
        {"none", {}, false},
        {"hop-by-hop", {hop_by_hop()}, false},
        {"destination options", {destination()}, false},
        {"destination options twice", {destination(), destination()}, false},
        {"three times", {destination(), destination(), destination()}, true},
        {"routing without hops to go", {routing()}, false},
        {"routing of type 0", {routing(0)}, true},
        {"routing of type 4 with hops to go", {routing(4, 1)}, false},
        {"routing twice", {routing(), routing()}, true},
        {"an atomic fragment", {fragment()}, false},
        {"two", {fragment(), fragment()}, true},
        {"authentication", {authentication()}, false},
        {"mobility, HIP, shim6", {mobility()}, false},
        {"HIP", {host_identity()}, false},
        {"shim6", {shim6()}, false},
        {"all in their order",
         {hop_by_hop(), destination(), routing(), fragment(), authentication(), destination(), mobility()},
         false},
        {"hop-by-hop behind destination options", {destination(), hop_by_hop()}, true},
        {"hop-by-hop twice", {hop_by_hop(), hop_by_hop()}, true},
        {"routing behind a fragment's header", {fragment(), routing()}, true},
        {"a fragment's header behind authentication", {authentication(), fragment()}, true},
        {"256 bytes", {options(60, 15), options(60, 15)}, false},
        {"264", {options(60, 15), options(60, 15), routing()}, true},
    };
    for (const ExtensionsRow& row : rows) {
        const Bytes frame = extended(row.extensions, 6, tcp());
        const pfild_packet packet = read_whole(frame);
        EXPECT_EQ(packet.oddity, row.bad ? PFILD_ODD_EXTENSIONS : PFILD_NOT_ODD) << row.sentence;
        if (row.bad) {
            continue;
        }
        EXPECT_EQ(packet.protocol, 6) << row.sentence;
        EXPECT_EQ(packet.transport, frame.size() - tcp().size()) << row.sentence;
        EXPECT_EQ(packet.destination_port, PFILD_BE16(23)) << row.sentence;
        EXPECT_EQ(packet.tcp_flags, 2) << row.sentence;
        EXPECT_EQ(packet.foldable, packet.transport - 14 - 40) << row.sentence;
        EXPECT_EQ(packet.folded_next, 6) << row.sentence;
    }
}

TEST(PacketOnHost, extension_headers_that_are_cut_anywhere_are_bad) {
    const Bytes whole = extended({hop_by_hop(), routing(), destination()}, 6, tcp());
    for (std::size_t length = 14 + 40; length < 14 + 40 + 24; length++) {
        EXPECT_EQ(read_whole(first(length, whole)).oddity, PFILD_ODD_EXTENSIONS) << length;
        Bytes said = whole; // by its own header only; a length of 0 says nothing
        said[14 + 5] = static_cast<std::uint8_t>(length - 14 - 40);
        EXPECT_EQ(read_whole(said).oddity, length == 14 + 40 ? PFILD_NOT_ODD : PFILD_ODD_EXTENSIONS) << length;
    }
}

TEST(PacketOnHost, eight_numbers_are_walked_and_all_others_are_the_upper_layer) {
    for (unsigned number = 0; number <= 255; number++) {
        const auto next = static_cast<std::uint8_t>(number);
        const bool walked = number == 0 || number == 43 || number == 44 || number == 51 || number == 60 ||
                            number == 135 || number == 139 || number == 140;
        const pfild_packet packet = read_whole(extended({{next, {0, 0, 2, 0, 0, 0, 0, 0}}}, 6, tcp()));
        EXPECT_EQ(packet.extensions, walked ? 1 : 0) << number;
        EXPECT_EQ(packet.protocol, walked ? 6 : number) << number;
    }
}

// --- fragments ---

TEST(PacketOnHost, a_fragment_that_could_lead_past_ports_and_flags_is_odd) {
    struct FragmentRow {
        const char* sentence;
        std::uint8_t protocol;
        unsigned offset;
        bool more;
        std::size_t bytes;
        bool odd;
    };
    const std::array rows{
        FragmentRow{"TCP whole", 6, 0, false, 20, false},
        FragmentRow{"TCP whole, but short", 6, 0, false, 8, false}, // no stack takes it
        FragmentRow{"TCP at offset 1", 6, 1, true, 24, true},
        FragmentRow{"TCP at offset 1, the last", 6, 1, false, 24, true},
        FragmentRow{"TCP at offset 2", 6, 2, true, 24, false},
        FragmentRow{"the first of TCP, ports only", 6, 0, true, 8, true},
        FragmentRow{"the first of TCP without its flags", 6, 0, true, 13, true},
        FragmentRow{"the first of TCP with its flags", 6, 0, true, 14, false},
        FragmentRow{"the first of UDP without its header", 17, 0, true, 7, true},
        FragmentRow{"the first of UDP", 17, 0, true, 8, false},
        FragmentRow{"UDP at offset 1", 17, 1, false, 8, false},
        FragmentRow{"the first of ICMP, empty", 1, 0, true, 0, true},
        FragmentRow{"the first of ESP", 50, 0, true, 8, false},
    };
    for (const FragmentRow& row : rows) {
        Bytes v4 = ipv4(row.protocol, Bytes(row.bytes));
        v4[6] = row.more ? 0x20 : 0;
        v4[7] = static_cast<std::uint8_t>(row.offset);
        const bool odd4 = read_whole(ethernet(kTypeIpv4, v4)).oddity == PFILD_ODD_FRAGMENT;
        EXPECT_EQ(odd4, row.odd) << row.sentence;
        const Extension header = fragment(static_cast<std::uint16_t>(row.offset), row.more);
        const Bytes v6 = extended({header}, row.protocol, Bytes(row.bytes));
        EXPECT_EQ(read_whole(v6).oddity == PFILD_ODD_FRAGMENT, row.odd) << "v6, " << row.sentence;
    }
}

TEST(PacketOnHost, a_later_fragment_keeps_its_own_header_and_has_no_ports) {
    const pfild_packet packet = read_whole(extended({destination(), fragment(185, true)}, 6, tcp()));
    EXPECT_EQ(packet.oddity, PFILD_NOT_ODD);
    EXPECT_EQ(packet.foldable, 8U);
    EXPECT_EQ(packet.folded_next, PFILD_FRAGMENT);
    EXPECT_EQ(packet.fragment, 185);
    EXPECT_EQ(packet.has_ports, 0);
}

TEST(PacketOnHost, a_first_fragment_whose_chain_goes_on_behind_it_is_odd) {
    const pfild_packet cut =
        read_whole(first(14 + 40 + 8 + 8, extended({fragment(0, true), options(60, 3)}, 6, tcp())));
    EXPECT_EQ(cut.oddity, PFILD_ODD_EXTENSIONS);
    EXPECT_EQ(read_whole(extended({fragment(1, false)}, 60, Bytes(24))).oddity, PFILD_ODD_FRAGMENT);
}

} // namespace
} // namespace pfild::tests
