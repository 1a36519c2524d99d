// SPDX-License-Identifier: BSD-2-Clause
// Captured packets as lines: what is in them, and what is cut off in the middle.
#include "bpfctl/text/packet.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace pfild::bpfctl {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

const Bytes kMacs{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
const Bytes kPorts{1, 0xbb, 0xc7, 0x5a};

Bytes ipv4(std::uint8_t protocol, std::uint8_t fragment = 0, std::uint8_t words = 5) {
    Bytes header{8,        0,  static_cast<std::uint8_t>(0x40 | words),
                 0,        0,  28,
                 0,        0,  0,
                 fragment, 64, protocol,
                 0,        0,  192,
                 0,        2,  1,
                 198,      51, 100,
                 7};
    header.resize(2 + 4U * words, 0);
    return header;
}

Bytes ipv6(std::uint8_t next) {
    return {0x86, 0xdd, 0x60, 0, 0, 0,    0, 8,   next, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0,
            0,    0,    0,    0, 1, 0x20, 1, 0xd, 0xb8, 0,  0,    0, 0,   0,    0, 0, 0, 0, 0, 0, 2};
}

/// Without the time, which depends on where the reader lives.
std::string shown(const client::Record& packet, const std::string& interface = "",
                  filter::LinkType link_type = filter::kEthernet) {
    const std::string line = packet_line(packet, link_type, interface);
    EXPECT_EQ(line.substr(8, 11), ".000000123 ");
    return line.substr(19);
}

TEST(PacketLine, says_who_speaks_to_whom) {
    struct Row {
        const char* sentence;
        Bytes frame;
        const char* line;
    };
    const Row rows[] = {
        {"tcp", joined({kMacs, ipv4(6), kPorts}), "tcp 192.0.2.1:443 > 198.51.100.7:51034"},
        {"udp behind options", joined({kMacs, ipv4(17, 0, 6), kPorts}), "udp 192.0.2.1:443 > 198.51.100.7:51034"},
        {"icmp has no ports", joined({kMacs, ipv4(1), kPorts}), "icmp 192.0.2.1 > 198.51.100.7"},
        {"nor has a later fragment", joined({kMacs, ipv4(6, 8), kPorts}), "tcp 192.0.2.1 > 198.51.100.7"},
        {"nor a packet that was cut", joined({kMacs, ipv4(6), {1, 2, 3}}), "tcp 192.0.2.1 > 198.51.100.7"},
        {"a protocol without a name", joined({kMacs, ipv4(47)}), "ip-proto-47 192.0.2.1 > 198.51.100.7"},
        {"ports behind IPv6", joined({kMacs, ipv6(17), kPorts}), "udp [2001:db8::1]:443 > [2001:db8::2]:51034"},
        {"no ports there", joined({kMacs, ipv6(58), kPorts}), "icmp6 2001:db8::1 > 2001:db8::2"},
        {"inside a tag", joined({kMacs, {0x81, 0, 0x20, 5}, ipv4(1)}), "vlan 5 icmp 192.0.2.1 > 198.51.100.7"},
        {"inside two", joined({kMacs, {0x88, 0xa8, 0, 100, 0x81, 0, 0, 5}, ipv4(1)}),
         "vlan 100 vlan 5 icmp 192.0.2.1 > 198.51.100.7"},
        {"arp", joined({kMacs, {8, 6, 0, 1}}), "arp 02:00:00:00:00:01 > 02:00:00:00:00:02"},
        {"another type", joined({kMacs, {0x88, 0xcc}}), "0x88cc 02:00:00:00:00:01 > 02:00:00:00:00:02"},
        {"half an IPv4 header", joined({kMacs, {8, 0, 0x45, 0}}), "0x0800 02:00:00:00:00:01 > 02:00:00:00:00:02"},
        {"IPv4 that is none", joined({kMacs, {8, 0}, Bytes(40, 0x61)}), "0x0800 02:00:00:00:00:01 > 02:00:00:00:00:02"},
        {"half an IPv6 header", joined({kMacs, {0x86, 0xdd, 0x60}}), "0x86dd 02:00:00:00:00:01 > 02:00:00:00:00:02"},
        {"a tag without what it tags", joined({kMacs, {0x81, 0, 0, 5}}),
         "0x8100 02:00:00:00:00:01 > 02:00:00:00:00:02"},
        {"half an Ethernet header", kMacs, "incomplete"},
        {"nothing", {}, "incomplete"},
    };
    for (const Row& row : rows) {
        const client::Record packet{.seconds = 1'700'000'000, .nanoseconds = 123, .length = 1514, .bytes = row.frame};
        EXPECT_EQ(shown(packet), row.line + std::string(", length 1514\n")) << row.sentence;
    }
}

TEST(PacketLine, begins_with_the_ip_header_where_there_is_no_other) {
    struct Row {
        const char* sentence;
        Bytes packet;
        std::string line;
    };
    const auto without_type = [](Bytes bytes) { return Bytes(bytes.begin() + 2, bytes.end()); };
    const Row rows[] = {
        {"IPv4", without_type(joined({ipv4(6), kPorts})), "tcp 192.0.2.1:443 > 198.51.100.7:51034"},
        {"IPv6", without_type(joined({ipv6(17), kPorts})), "udp [2001:db8::1]:443 > [2001:db8::2]:51034"},
        {"half a header", {0x45, 0}, "incomplete"},
        {"neither", Bytes(60, 0x71), "incomplete"},
        {"nothing", {}, "incomplete"},
    };
    for (const Row& row : rows) {
        const client::Record packet{.seconds = 1'700'000'000, .nanoseconds = 123, .length = 100, .bytes = row.packet};
        EXPECT_EQ(shown(packet, "", filter::kRaw), row.line + ", length 100\n") << row.sentence;
    }
}

TEST(PacketLine, says_direction_and_interface_if_they_are_known) {
    client::Record packet{.nanoseconds = 123, .direction = PFILD_RECORD_OUT, .ifindex = 4};
    EXPECT_EQ(shown(packet), "out incomplete, length 0\n");
    packet.direction = PFILD_RECORD_IN;
    EXPECT_EQ(shown(packet, "tun0"), "tun0 in  incomplete, length 0\n");
    EXPECT_EQ(compact(packet_json(packet, "")), R"({"seconds":0,"nanoseconds":123,"interface":null,"ifindex":4,)"
                                                R"("direction":"in","caplen":0,"length":0,"data":""})");
}

} // namespace
} // namespace pfild::bpfctl
