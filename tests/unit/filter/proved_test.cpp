// SPDX-License-Identifier: BSD-2-Clause
// What is believed of libpcap's optimiser, and what takes its place where it is not.
#include "filter/proved.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/analysis/equivalence.h"
#include "cbpf/interpret.h"
#include "cbpf/reduce/reduce.h"

namespace pfild::filter {
namespace {

using cbpf::Program;

Proved proved(const std::string& expression, LinkType type) {
    auto made = compile_proved(expression, type, Names::kNumeric);
    EXPECT_TRUE(made) << expression << ": " << made.error().line();
    return made ? std::move(*made) : Proved{};
}

Program plain(const std::string& expression, LinkType type) {
    const auto made = compile(expression, type, Names::kNumeric, kSnapLength, Optimiser::kOff);
    return *Program::verify(*made, cbpf::kLongestToReduce);
}

constexpr const char* kForgotten =
    "not ((host 192.0.2.9 or host 192.0.2.3) and icmp) and not (host 192.0.2.9 or host 192.0.2.1)";

/// An IPv4 packet of no protocol that the exceptions name, from there to an address that they do not name.
std::vector<std::uint8_t> packet_from(std::uint8_t host) {
    std::vector<std::uint8_t> packet(40);
    packet[0] = 0x45;
    packet[9] = 17;
    packet[12] = packet[16] = 192;
    packet[14] = packet[18] = 2;
    packet[15] = host;
    packet[19] = 2;
    return packet;
}

TEST(Proved, keeps_the_exception_that_libpcap_forgets) {
    const auto optimised = compile(kForgotten, kRaw, Names::kNumeric);
    ASSERT_TRUE(optimised);
    const Proved made = proved(kForgotten, kRaw);
    EXPECT_EQ(made.origin, Origin::kReduced);
    const Program right = *Program::verify(made.program);
    const std::vector<std::uint8_t> from_exception = packet_from(1);
    EXPECT_NE(cbpf::interpret(*Program::verify(*optimised), cbpf::Packet(from_exception)), 0U) << "libpcap is mended";
    EXPECT_EQ(cbpf::interpret(right, cbpf::Packet(from_exception)), 0U);
    EXPECT_NE(cbpf::interpret(right, cbpf::Packet(packet_from(7))), 0U);
    EXPECT_TRUE(cbpf::certainly_equal(right, plain(kForgotten, kRaw)));
    EXPECT_LE(made.program.size() * 2, optimised->size() * 3);
}

TEST(Proved, believes_the_optimiser_of_what_it_has_left_as_it_was) {
    for (const char* expression : {"tcp dst port 443", "host 192.0.2.1 and port 23", "net 198.51.100.0/24", "udp",
                                   "tcp[tcpflags] & tcp-syn != 0", "not port 22", "greater 60", "portrange 1-1023"}) {
        for (const LinkType type : {kEthernet, kRaw}) {
            const Proved made = proved(expression, type);
            EXPECT_EQ(made.origin, Origin::kOptimised) << expression;
            EXPECT_EQ(made.program, *compile(expression, type, Names::kNumeric)) << expression;
            EXPECT_EQ(made.because(), "optimiser of libpcap proved equal");
        }
    }
}

TEST(Proved, says_what_was_used_and_why) {
    const Proved made = proved(kForgotten, kRaw);
    EXPECT_EQ(made.because(), "optimiser of libpcap gives another program; unoptimised one, reduced by pfild from " +
                                  std::to_string(plain(kForgotten, kRaw).instructions().size()) + " to " +
                                  std::to_string(made.program.size()) + " instructions");
}

TEST(Proved, refuses_what_libpcap_refuses) {
    EXPECT_FALSE(compile_proved("tcp dst prot 443", kRaw, Names::kNumeric));
    EXPECT_FALSE(compile_proved("", kRaw, Names::kNumeric));
    const auto nothing = compile_proved("ip and not ip", kRaw, Names::kNumeric);
    const auto by_libpcap = compile("ip and not ip", kRaw, Names::kNumeric);
    ASSERT_FALSE(by_libpcap);
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().line(), by_libpcap.error().line());
}

std::string list_of(const std::string& primitive, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) {
        all += (i == 0 ? "" : " or ") + primitive + " 10.0." + std::to_string(i / 200) + '.' + std::to_string(i % 200);
    }
    return all;
}

TEST(Proved, fits_lists_of_250_hosts) {
    for (const LinkType type : {kEthernet, kRaw}) {
        const std::string list = list_of("src host", 250);
        const Proved made = proved(list, type);
        const auto optimised = compile(list, type, Names::kNumeric);
        ASSERT_TRUE(optimised);
        EXPECT_TRUE(Program::verify(made.program)) << made.program.size();
        const std::vector<cbpf::Instruction> reduced = cbpf::reduced(plain(list, type));
        EXPECT_LE(reduced.size() * 2, optimised->size() * 3) << type.name;
    }
    const Proved both_ends = proved(list_of("host", 250), kRaw); // 753 of libpcap, which is too many
    EXPECT_EQ(both_ends.origin, Origin::kReduced);
    EXPECT_TRUE(Program::verify(both_ends.program)) << both_ends.program.size();
}

/// Diagrams of this grow to millions of nodes: the prover gives up, and what is right is used.
TEST(Proved, does_without_a_proof_that_would_take_too_long) {
    std::string any = "ip[0] = 1";
    std::string pairs = "ip[0] = 3";
    for (int i = 1; i <= 24; ++i) {
        any += " or ip[" + std::to_string(i) + "] = 1";
        pairs += " or (ip[" + std::to_string(i) + "] = 1 and ip[" + std::to_string(100 + i) + "] = 1)";
    }
    const Proved made = proved('(' + any + ") and (" + pairs + ')', kRaw);
    EXPECT_EQ(made.origin, Origin::kReduced);
    EXPECT_TRUE(Program::verify(made.program));
}

} // namespace
} // namespace pfild::filter
