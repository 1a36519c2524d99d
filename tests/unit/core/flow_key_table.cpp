// SPDX-License-Identifier: BSD-2-Clause
// Which packets have a flow's key, what is in it, and that a packet made from a key has that key.
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "core/flow/flow_key.h"
#include "core/packet_view.h"
#include "pfild/flow_key.h"
#include "tests/unit/core/packet_bytes.h"

namespace pfild::core {
namespace {

constexpr std::uint32_t kKeyIfindex = 7;

std::optional<FlowKey> key_of(const Bytes& bytes, Direction direction = Direction::kIn) {
    Buffers buffers;
    return read_flow_key(buffers.frame(bytes), kKeyIfindex, direction);
}

/// The packet with bytes from `at` on replaced.
Bytes with(Bytes bytes, std::size_t at, const Bytes& replacement) {
    std::copy(replacement.begin(), replacement.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    return bytes;
}

const Bytes kPlain = ethernet({}, kTypeIpv4, ipv4(udp(53)));
const Bytes kPlain6 = ethernet({}, kTypeIpv6, ipv6(udp(53)));

Bytes first_bytes(Bytes bytes, std::size_t count) {
    bytes.resize(count);
    return bytes;
}

struct KeyRow {
    const char* sentence;
    Bytes packet;
    bool canonical;
};

TEST(FlowKey, only_canonical_packets_have_one) {
    constexpr std::size_t kNetwork = 14;
    const KeyRow rows[] = {
        {"IPv4, UDP", kPlain, true},
        {"IPv6, UDP", kPlain6, true},
        {"IPv4 that must not be fragmented", with(kPlain, kNetwork + 6, {0x40, 0}), true},
        {"IPv4, the first fragment", with(kPlain, kNetwork + 6, {0x20, 0}), false},
        {"IPv4, a later fragment", with(kPlain, kNetwork + 6, {0, 1}), false},
        {"IPv4 with options", with(kPlain, kNetwork, {0x46}), true},
        {"IPv4 whose header is shorter than a header", with(kPlain, kNetwork, {0x44}), false},
        {"IPv4 whose header is longer than the packet", with(kPlain, kNetwork, {0x4f}), false},
        {"IPv4 of version 5", with(kPlain, kNetwork, {0x55}), false},
        {"IPv4 whose length leaves no room for ports", with(kPlain, kNetwork + 2, {0, 23}), false},
        {"IPv4 whose length leaves room for ports", with(kPlain, kNetwork + 2, {0, 24}), true},
        {"IPv4 that says no length", with(kPlain, kNetwork + 2, {0, 0}), true},
        {"IPv4 cut before the ports are whole", Bytes(kPlain.begin(), kPlain.begin() + 37), false},
        {"IPv4 cut behind the ports", Bytes(kPlain.begin(), kPlain.begin() + 38), true},
        {"IPv4 cut in its header", Bytes(kPlain.begin(), kPlain.begin() + 33), false},
        {"ICMP", with(kPlain, kNetwork + 9, {1}), true},
        {"IPv6 with a hop-by-hop header", with(kPlain6, kNetwork + 6, {0}), false},
        {"IPv6 with a routing header", with(kPlain6, kNetwork + 6, {43}), false},
        {"IPv6, a fragment", with(kPlain6, kNetwork + 6, {44}), false},
        {"IPv6, authenticated", with(kPlain6, kNetwork + 6, {51}), false},
        {"IPv6 with destination options", with(kPlain6, kNetwork + 6, {60}), false},
        {"IPv6, ICMP", with(kPlain6, kNetwork + 6, {58}), true},
        {"IPv6, a neighbour solicitation", with(with(kPlain6, kNetwork + 6, {58, 255}), kNetwork + 40, {135}), false},
        {"IPv6, the same from afar", with(with(kPlain6, kNetwork + 6, {58, 254}), kNetwork + 40, {135}), true},
        {"IPv6, a redirect", with(with(kPlain6, kNetwork + 6, {58, 255}), kNetwork + 40, {137}), false},
        {"IPv6, an echo request", with(with(kPlain6, kNetwork + 6, {58, 255}), kNetwork + 40, {128}), true},
        {"IPv6 whose payload has no room for ports", with(kPlain6, kNetwork + 4, {0, 3}), false},
        {"IPv6 of version 4", with(kPlain6, kNetwork, {0x40}), false},
        {"a VLAN", ethernet({kTypeVlan}, kTypeIpv4, ipv4(udp(53))), true},
        {"two VLANs", ethernet({kTypeServiceVlan, kTypeVlan}, kTypeIpv6, ipv6(udp(53))), true},
        {"three VLANs", ethernet({kTypeServiceVlan, kTypeVlan, kTypeVlan}, kTypeIpv4, ipv4(udp(53))), false},
        {"ARP", ethernet({}, kTypeArp, Bytes(28)), false},
        {"an Ethernet header and nothing else", Bytes(kPlain.begin(), kPlain.begin() + 14), false},
        {"less than an Ethernet header", Bytes(kPlain.begin(), kPlain.begin() + 13), false},
    };
    for (const KeyRow& row : rows) {
        EXPECT_EQ(key_of(row.packet).has_value(), row.canonical) << row.sentence;
    }
}

TEST(FlowKey, says_who_is_remote_by_the_direction) {
    const auto in = key_of(kPlain, Direction::kIn);
    const auto out = key_of(kPlain, Direction::kOut);
    ASSERT_TRUE(in && out);
    EXPECT_EQ(in->remote[0], out->local[0]);
    EXPECT_EQ(in->local[0], out->remote[0]);
    EXPECT_EQ(PFILD_BE16(in->remote_port), 4000);
    EXPECT_EQ(PFILD_BE16(in->local_port), 53);
    EXPECT_EQ(PFILD_BE16(out->local_port), 4000);
    EXPECT_EQ(in->ifindex, kKeyIfindex);
    EXPECT_EQ(in->family, 4);
    EXPECT_EQ(in->protocol, 17);
}

TEST(FlowKey, keeps_tags_apart_from_none_from_each_other_and_in_order) {
    const std::array<Bytes, 6> packets{kPlain,
                                       ethernet({kTypeVlan}, kTypeIpv4, ipv4(udp(53))),
                                       with(ethernet({kTypeVlan}, kTypeIpv4, ipv4(udp(53))), 14, {0x20, 1}),
                                       ethernet({kTypeServiceVlan}, kTypeIpv4, ipv4(udp(53))),
                                       ethernet({kTypeServiceVlan, kTypeVlan}, kTypeIpv4, ipv4(udp(53))),
                                       ethernet({kTypeVlan, kTypeServiceVlan}, kTypeIpv4, ipv4(udp(53)))};
    for (std::size_t i = 0; i < packets.size(); i++) {
        for (std::size_t j = 0; j < packets.size(); j++) {
            EXPECT_EQ(same(*key_of(packets[i]), *key_of(packets[j])), i == j) << i << ' ' << j;
        }
    }
}

TEST(FlowKey, a_packet_made_from_a_key_has_that_key_and_is_what_a_head_expects) {
    const Bytes packets[] = {kPlain, kPlain6, with(kPlain, 23, {1}),
                             ethernet({kTypeServiceVlan, kTypeVlan}, kTypeIpv6, ipv6(udp(53))),
                             ethernet({kTypeVlan}, kTypeIpv4, ipv4(udp(53)))};
    for (const Bytes& packet : packets) {
        for (const Direction direction : kEachDirection) {
            const FlowKey key = *key_of(packet, direction);
            const Bytes made = representative(key, direction);
            const auto again = key_of(made, direction);
            ASSERT_TRUE(again.has_value());
            EXPECT_TRUE(same(*again, key));
            Buffers buffers;
            const Frame frame = buffers.frame(made);
            const PacketView view = parse(frame);
            EXPECT_EQ(view.family, key.family == 4 ? Family::kInet : Family::kInet6);
            EXPECT_EQ(view.network_offset + view.network_length, made.size());
        }
    }
}

TEST(FlowKey, a_syn_opens_a_connection_and_nothing_else_does) {
    constexpr std::size_t kFlags = 14 + 20 + 13;
    const Bytes tcp = with(ethernet({}, kTypeIpv4, ipv4(Bytes(20, 0))), 23, {6});
    const auto opens = [](const Bytes& bytes) {
        Buffers buffers;
        const Frame frame = buffers.frame(bytes);
        return opens_connection(parse(frame));
    };
    for (unsigned flags = 0; flags < 256; flags++) {
        const bool syn = (flags & 0x17U) == 0x02;
        EXPECT_EQ(opens(with(tcp, kFlags, {static_cast<std::uint8_t>(flags)})), syn) << flags;
        EXPECT_FALSE(opens(with(with(tcp, 23, {17}), kFlags, {static_cast<std::uint8_t>(flags)}))) << "UDP";
    }
    const Bytes tcp6 = with(ethernet({kTypeVlan}, kTypeIpv6, ipv6(Bytes(20, 0))), 24, {6});
    EXPECT_FALSE(opens(tcp6));
    EXPECT_TRUE(opens(with(tcp6, 18 + 40 + 13, {0x02})));
    EXPECT_FALSE(opens(first_bytes(with(tcp, kFlags, {0x02}), kFlags))) << "cut before its flags";
    const Bytes options = with(with(ethernet({}, kTypeIpv4, ipv4(Bytes(24, 0))), 23, {6}), 14, {0x46});
    EXPECT_TRUE(opens(with(options, kFlags + 4, {0x02})));
    EXPECT_FALSE(opens(with(options, kFlags, {0x02}))) << "that is in the options";
}

} // namespace
} // namespace pfild::core
