// SPDX-License-Identifier: BSD-2-Clause
// What is believed of libpcap's optimiser, and what takes its place where it is not.
#include "filter/proved.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/analysis/equivalence.h"
#include "cbpf/interpret.h"
#include "cbpf/program.h"
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

std::string list_of(const std::string& primitive, int count, int step) {
    std::string all;
    for (int i = 0; i < count; ++i) {
        const int host = i * step;
        all += (i == 0 ? "" : " or ") + primitive + " 10." + std::to_string(host / 40'000) + '.' +
               std::to_string(host / 200 % 200) + '.' + std::to_string(host % 200);
    }
    return all;
}

struct ListRow {
    const char* primitive;
    int step; ///< from a host to the next; 1: they are in a row
    LinkType type;
    std::size_t most; ///< instructions
};

TEST(Proved, fits_lists_of_250_hosts) {
    const ListRow rows[] = {
        {"host", 1, kEthernet, 40},      {"host", 1, kRaw, 30},      {"src host", 1, kEthernet, 259},
        {"src host", 7, kEthernet, 259}, {"src host", 7, kRaw, 256}, {"host", 7, kRaw, 512},
        {"ip host", 7, kEthernet, 512},  {"dst host", 7, kRaw, 256},
    };
    for (const ListRow& row : rows) {
        const Proved made = proved(list_of(row.primitive, 250, row.step), row.type);
        EXPECT_LE(made.program.size(), row.most) << row.primitive << ' ' << row.step << ' ' << row.type.name;
        EXPECT_LE(made.program.size() * 2, *made.short_length * 3);
        EXPECT_TRUE(made.is_proved);
        EXPECT_NE(made.origin, Origin::kPlain);
    }
}

/// Both ends of IP, and both of ARP, whose second lists are one: three tests a host.
TEST(Proved, says_how_long_a_list_is_that_does_not_fit) {
    const Proved made = proved(list_of("host", 250, 7), kEthernet);
    EXPECT_FALSE(Program::verify(made.program));
    EXPECT_LE(made.program.size(), 3 * 250 + 20);
    EXPECT_GT(*made.short_length, made.program.size());
}

/// The prover does not know that 5 times 3 is 15, which the reduction does.
TEST(Proved, keeps_the_unoptimised_program_where_there_is_no_proof) {
    const std::string expression = std::string(kForgotten) + " and ip[8] = 5 and ip[8] * 3 = 15";
    const Proved made = proved(expression, kRaw);
    const Program meant = plain(expression, kRaw);
    EXPECT_LT(cbpf::reduced(meant).size(), meant.instructions().size());
    EXPECT_EQ(made.origin, Origin::kPlain);
    EXPECT_TRUE(made.is_proved);
    EXPECT_EQ(made.program, std::vector<cbpf::Instruction>(meant.instructions().begin(), meant.instructions().end()));
}

/// Diagrams of this grow to millions of nodes: the prover gives up.
std::string without_proof(int count) {
    std::string any = "ip[0] = 1";
    std::string pairs = "ip[0] = 3";
    for (int i = 1; i <= count; ++i) {
        any += " or ip[" + std::to_string(i) + "] = 1";
        pairs += " or (ip[" + std::to_string(i) + "] = 1 and ip[" + std::to_string(100 + i) + "] = 1)";
    }
    return '(' + any + ") and (" + pairs + ')';
}

TEST(Proved, makes_it_shorter_without_a_proof_where_it_does_not_fit) {
    const Proved made = proved(without_proof(24), kRaw);
    EXPECT_GT(made.plain_length, cbpf::kMaxInstructions);
    EXPECT_EQ(made.origin, Origin::kReduced);
    EXPECT_FALSE(made.is_proved);
    EXPECT_TRUE(Program::verify(made.program));
    EXPECT_TRUE(std::string_view(made.because()).ends_with(" instructions, without a proof")) << made.because();
}

} // namespace
} // namespace pfild::filter
