// SPDX-License-Identifier: BSD-2-Clause
// bpf/parse.h as host code, where a sanitizer can watch it: the same lines run in the heads. Bytes stand at 2 modulo 4,
// as IP headers do in the kernel.
#include "bpf/parse.h"

#include <array>
#include <cstdint>
#include <cstring>

#include <gtest/gtest.h>

#include "tests/prog/frames.h"

namespace pfild::tests {
namespace {

constexpr std::size_t kLook = sizeof(pfild_inet6_look);
static_assert(kLook == 41 && alignof(pfild_inet6_look) == 1, "the IPv6 header and one byte, wherever they stand");
static_assert(sizeof(pfild_tag) == 4 && alignof(pfild_tag) == 2);

bool is_discovery(const Bytes& packet) {
    alignas(4) std::array<std::uint8_t, 2 + kLook> memory{};
    std::memcpy(&memory[2], packet.data(), kLook);
    const void* at = &memory[2];
    return is_neighbour_discovery(static_cast<const pfild_inet6_look*>(at)) != 0;
}

struct Row {
    const char* sentence;
    Bytes packet;
    bool discovery;
};

TEST(ParseOnHost, neighbour_discovery_is_what_rfc_4861_accepts_and_nothing_else) {
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

TEST(ParseOnHost, every_icmpv6_type_but_five_is_no_neighbour_discovery) {
    for (unsigned type = 0; type <= 255; type++) {
        const bool expected = type >= 133 && type <= 137;
        EXPECT_EQ(is_discovery(icmpv6(static_cast<std::uint8_t>(type))), expected) << "type " << type;
    }
}

TEST(ParseOnHost, a_tag_is_announced_by_two_types_in_network_byte_order) {
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
        EXPECT_EQ(is_vlan(type) != 0, row.vlan) << row.sentence;
    }
}

} // namespace
} // namespace pfild::tests
