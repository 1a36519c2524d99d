// SPDX-License-Identifier: BSD-2-Clause
// Expressions compiled and run over packets written out here: what matches, what does not, and what is refused with
// which words. Packets use documentation addresses.
#include "filter/expression.h"

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cbpf/interpret.h"
#include "cbpf/packet.h"
#include "cbpf/program.h"

namespace pfild::filter {
namespace {

using Bytes = std::vector<std::uint8_t>;
using testing::HasSubstr;

/// IPv4, protocol, 192.0.2.1 -> 192.0.2.2, source port 4000, the destination port given, 8 bytes of transport header.
Bytes ipv4(std::uint8_t protocol, std::uint8_t port) {
    return {0x45, 0, 0, 28, 0, 0, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 15, 160, 0, port, 0, 8, 0, 0};
}

/// IPv6, protocol, 2001:db8::1 -> 2001:db8::2.
Bytes ipv6(std::uint8_t protocol, std::uint8_t port) {
    Bytes bytes{0x60, 0, 0, 0, 0, 8, protocol, 64};
    for (const std::uint8_t host : {1, 2}) {
        bytes.insert(bytes.end(), {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host});
    }
    bytes.insert(bytes.end(), {15, 160, 0, port, 0, 8, 0, 0});
    return bytes;
}

/// The packet in an Ethernet frame from 02:00:00:00:00:01 to 02:00:00:00:00:02.
Bytes framed(const Bytes& packet) {
    Bytes frame{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    const bool is_ipv6 = packet[0] >> 4U == 6;
    frame.push_back(is_ipv6 ? 0x86 : 0x08);
    frame.push_back(is_ipv6 ? 0xdd : 0x00);
    frame.insert(frame.end(), packet.begin(), packet.end());
    return frame;
}

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

struct Match {
    const char* sentence;
    const char* expression;
    LinkType link_type;
    Bytes packet;
    bool matches;
};

/// Tests are listed by it.
void PrintTo(const Match& row, std::ostream* out) { *out << row.sentence; }

class Matching : public testing::TestWithParam<Match> {};

TEST_P(Matching, agrees_with_the_packet) {
    const Match& row = GetParam();
    SCOPED_TRACE(row.sentence);
    const auto compiled = compile(row.expression, row.link_type, Names::kNumeric);
    ASSERT_TRUE(compiled) << compiled.error().line();
    const auto program = cbpf::Program::verify(*compiled);
    ASSERT_TRUE(program) << program.error().message();
    const std::uint32_t expected = row.matches ? kSnapLength : 0;
    EXPECT_EQ(cbpf::interpret(*program, cbpf::Packet(row.packet)), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Expressions, Matching,
    testing::Values(
        Match{"a port at inet is found behind the bare IPv4 header", "tcp dst port 23", kRaw, ipv4(kTcp, 23), true},
        Match{"another port is not", "tcp dst port 23", kRaw, ipv4(kTcp, 22), false},
        Match{"the UDP twin is not", "tcp dst port 23", kRaw, ipv4(kUdp, 23), false},
        Match{"the source port is not the destination port", "tcp dst port 160", kRaw, ipv4(kTcp, 23), false},
        Match{"a port at inet6 is found behind the bare IPv6 header", "tcp dst port 23", kRaw, ipv6(kTcp, 23), true},
        Match{"its UDP twin is not", "tcp dst port 23", kRaw, ipv6(kUdp, 23), false},
        Match{"the same expression at ethernet looks behind the link header", "tcp dst port 23", kEthernet,
              framed(ipv4(kTcp, 23)), true},
        Match{"and does not mistake a bare packet for a frame", "tcp dst port 23", kEthernet, ipv4(kTcp, 23), false},
        Match{"a frame at inet is no packet", "tcp dst port 23", kRaw, framed(ipv4(kTcp, 23)), false},
        Match{"a MAC address is found at ethernet", "ether src 02:00:00:00:00:01", kEthernet, framed(ipv4(kTcp, 23)),
              true},
        Match{"another MAC address is not", "ether src 02:00:00:00:00:03", kEthernet, framed(ipv4(kTcp, 23)), false},
        Match{"an IPv4 address", "src host 192.0.2.1", kRaw, ipv4(kTcp, 23), true},
        Match{"another IPv4 address", "src host 192.0.2.2", kRaw, ipv4(kTcp, 23), false},
        Match{"an IPv6 address", "dst host 2001:db8::2", kRaw, ipv6(kTcp, 23), true},
        Match{"another IPv6 address", "dst host 2001:db8::3", kRaw, ipv6(kTcp, 23), false},
        Match{"an IPv4 prefix", "net 192.0.2.0/24", kRaw, ipv4(kUdp, 53), true},
        Match{"another IPv4 prefix", "net 198.51.100.0/24", kRaw, ipv4(kUdp, 53), false},
        Match{"an IPv6 prefix", "net 2001:db8::/32", kRaw, ipv6(kUdp, 53), true},
        Match{"`greater 0` matches every packet", "greater 0", kRaw, ipv4(kUdp, 53), true},
        Match{"a range of ports", "portrange 50-60", kRaw, ipv4(kUdp, 53), true},
        Match{"a protocol by its escaped name", "ip proto \\udp", kRaw, ipv4(kUdp, 53), true}));

struct Refusal {
    const char* sentence;
    const char* expression;
    LinkType link_type;
    const char* why;    ///< libpcap's words
    const char* advice; ///< part of the advice
};

/// Tests are listed by it.
void PrintTo(const Refusal& row, std::ostream* out) { *out << row.sentence; }

class Refusing : public testing::TestWithParam<Refusal> {};

TEST_P(Refusing, says_why_in_one_line) {
    const Refusal& row = GetParam();
    SCOPED_TRACE(row.sentence);
    const auto compiled = compile(row.expression, row.link_type, Names::kNumeric);
    ASSERT_FALSE(compiled);
    EXPECT_EQ(compiled.error().what, "filter");
    EXPECT_EQ(compiled.error().object, '\'' + std::string(row.expression) + '\'');
    EXPECT_THAT(compiled.error().why, HasSubstr(row.why));
    EXPECT_THAT(compiled.error().advice, HasSubstr(row.advice));
    EXPECT_EQ(compiled.error().why.find('\n'), std::string::npos);
    EXPECT_EQ(compiled.error().code, EINVAL);
}

INSTANTIATE_TEST_SUITE_P(
    Expressions, Refusing,
    testing::Values(
        Refusal{"a syntax error", "tcp dst port", kRaw, "syntax error", "pcap-filter(7)"},
        Refusal{"a misspelt word is taken for a host", "tcp dst porrt 23", kRaw, "unknown host 'porrt'", "--resolve"},
        Refusal{"an unknown service", "port no-such-service", kRaw, "unknown port 'no-such-service'", "pcap-filter(7)"},
        Refusal{"a port that does not exist", "port 65536", kRaw, "65536", "pcap-filter(7)"},
        Refusal{"an expression that no packet can match", "tcp and udp", kRaw, "expression rejects all packets",
                "no packet"},
        Refusal{"a MAC address at inet", "ether host 02:00:00:00:00:01", kRaw, "ethernet addresses supported only",
                "--type ethernet"},
        Refusal{"a VLAN at inet", "vlan 5", kRaw, "no VLAN support", "--type ethernet"},
        Refusal{"nothing at all, which libpcap would take for everything", "", kRaw, "empty", "greater 0"},
        Refusal{"blanks, likewise", " \t ", kRaw, "empty", "greater 0"},
        Refusal{"a broadcast test without a netmask", "ip broadcast", kRaw, "netmask not known", ""},
        Refusal{"what only a capture socket knows, at inet", "inbound", kRaw, "not in the packet", "direction"},
        Refusal{"and at ethernet", "ifindex 3", kEthernet, "not in the packet", "direction"},
        Refusal{"bytes before the packet", "ip[-1] = 2", kRaw, "not in the packet", ""}));

TEST(Expression, with_a_zero_byte_inside_is_refused_not_cut_short) {
    const auto compiled = compile(std::string("tcp\0 or udp", 11), kRaw, Names::kNumeric);
    ASSERT_FALSE(compiled);
    EXPECT_THAT(compiled.error().why, HasSubstr("zero byte"));
}

TEST(Expression, of_a_service_is_the_expression_of_its_number) {
    const auto by_number = compile("tcp dst port 23", kRaw, Names::kNumeric);
    const auto by_name = compile("tcp dst port telnet", kRaw, Names::kNumeric);
    ASSERT_TRUE(by_number);
    if (!by_name) {
        GTEST_SKIP() << "/etc/services does not know telnet: " << by_name.error().line();
    }
    EXPECT_EQ(*by_name, *by_number);
}

TEST(Expression, of_a_broadcast_needs_a_netmask) {
    Bytes packet = ipv4(kUdp, 53);
    packet[19] = 255;
    const auto program = compile("ip broadcast", kRaw, Names::kNumeric, kSnapLength, Optimiser::kOn, 0xffffff00);
    ASSERT_TRUE(program) << program.error().line();
    const auto verified = cbpf::Program::verify(*program);
    ASSERT_TRUE(verified);
    EXPECT_NE(cbpf::interpret(*verified, cbpf::Packet(packet)), 0U) << "192.0.2.255/24";
    packet[19] = 2;
    EXPECT_EQ(cbpf::interpret(*verified, cbpf::Packet(packet)), 0U);
    const auto unknown = compile("ip broadcast", kRaw, Names::kNumeric);
    ASSERT_FALSE(unknown);
    EXPECT_THAT(unknown.error().line(), HasSubstr("only a capture knows the netmask of its interface"));
}

TEST(LinkTypes, follow_the_hook_type) {
    EXPECT_EQ(link_type_of("inet"), kRaw);
    EXPECT_EQ(link_type_of("inet6"), kRaw);
    EXPECT_EQ(link_type_of("ethernet"), kEthernet);
    EXPECT_EQ(link_type_of("Inet"), std::nullopt);
    EXPECT_EQ(link_type_of(""), std::nullopt);
}

TEST(Expression, returns_the_length_that_was_asked_for) {
    const auto program = compile("ip", kEthernet, Names::kNumeric, 96);
    ASSERT_TRUE(program);
    const std::vector<cbpf::Instruction> expected{
        {0x28, 0, 0, 12}, {0x15, 0, 1, 0x0800}, {0x06, 0, 0, 96}, {0x06, 0, 0, 0}};
    EXPECT_EQ(*program, expected);
}

} // namespace
} // namespace pfild::filter
