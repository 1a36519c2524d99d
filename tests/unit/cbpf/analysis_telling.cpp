// SPDX-License-Identifier: BSD-2-Clause
// Which programs tell ARP from other frames; and brute force: what is not told apart is answered alike.
#include "cbpf/analysis/telling.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/interpret.h"
#include "cbpf/packet.h"
#include "cbpf/text.h"
#include "tests/unit/cbpf/any_program.h"

namespace pfild::cbpf {
namespace {

constexpr std::array<KnownByte, 2> kArp{{{12, 0x08}, {13, 0x06}}};
constexpr std::array<KnownByte, 2> kOther{{{12, 0x88}, {13, 0xb5}}};

std::optional<bool> tells_apart(const Program& program, std::span<const KnownByte> one,
                                std::span<const KnownByte> other) {
    Telling telling(program);
    const auto first = telling.matches(one);
    const auto second = telling.matches(other);
    return first && second ? std::optional(*first != *second) : std::nullopt;
}

struct TellingRow {
    const char* what;
    const char* text;
    std::optional<bool> tells;
};

TEST(Telling, is_of_programs_that_ask_for_what_differs) {
    const TellingRow rows[] = {
        {"arp", "ldh [12]\njeq #0x806,0,1\nret #262144\nret #0", true},
        {"not ip", "ldh [12]\njeq #0x800,1,0\nret #262144\nret #0", false},
        {"tcp", "ldh [12]\njeq #0x800,0,3\nldb [23]\njeq #6,0,1\nret #262144\nret #0", false},
        {"all", "ret #1", false},
        {"a type above ARP's", "ldh [12]\njgt #0x1000,0,1\nret #1\nret #0", true},
        {"one byte of the type", "ldb [13]\njeq #6,0,1\nret #1\nret #0", true},
        {"a word that the type is in", "ld [12]\nrsh #16\njeq #0x806,0,1\nret #1\nret #0", true},
        {"more of ARP, but a match all the same", "ldh [12]\njeq #0x806,0,1\nret #96\nret #262144", false},
        {"something else after the type", "ldh [12]\njeq #0x806,1,0\nldb [40]\njeq #7,0,1\nret #1\nret #0", true},
        {"the same on both ways",
         "ldh [12]\njeq #0x806,0,3\nldb [40]\njeq #7,3,4\nret #0\nldb [40]\njeq #7,0,1\nret #1\nret #0", false},
        {"from a place that is calculated, and behind", "ldxb 4*([14]&0xf)\nldh [x + 14]\njeq #22,0,1\nret #1\nret #0",
         false},
        {"from a place that may be it", "ldxb 4*([14]&0xf)\nldh [x + 2]\njeq #22,0,1\nret #1\nret #0", std::nullopt},
        {"from such a place, of IPv4 only",
         "ldh [12]\njeq #0x800,0,4\nldxb 4*([14]&0xf)\nldh [x + 2]\njeq #22,0,1\nret #1\nret #0", false},
    };
    for (const TellingRow& row : rows) {
        const auto program = assemble(row.text);
        ASSERT_TRUE(program) << row.what << ": " << program.error().message();
        EXPECT_EQ(tells_apart(*program, kArp, kOther), row.tells) << row.what;
        EXPECT_EQ(tells_apart(*program, kOther, kArp), row.tells) << row.what;
        EXPECT_NE(tells_apart(*program, kArp, kArp), std::optional(true)) << row.what;
    }
}

constexpr std::size_t kLongest = 2'000;

/// From a place that is not in the longest packet: of packets cut short nothing is said.
bool reads_beyond(const Program& program) {
    const auto all = program.instructions();
    return std::any_of(all.begin(), all.end(), [](const Instruction& in) {
        const unsigned mode = in.code & 0xe0U;
        return (in.code & 7U) < 2 && (mode == 0x20 || mode == 0x40 || mode == 0xa0) && in.k + 4ULL > kLongest;
    });
}

TEST(Telling, is_never_denied_of_programs_that_do) {
    std::size_t denied = 0;
    for (std::uint32_t seed = 0; seed < 20'000; ++seed) {
        tests::AnyProgram any(seed);
        auto program = Program::verify(any.program());
        ASSERT_TRUE(program) << program.error().message();
        const std::uint32_t offset = any.below(20);
        const std::array<KnownByte, 2> one{{{offset, any.packet_byte()}, {offset + 1, any.packet_byte()}}};
        const std::array<KnownByte, 2> other{{{offset, any.packet_byte()}, {offset + 1, any.packet_byte()}}};
        if (reads_beyond(*program) || tells_apart(*program, one, other) != std::optional(false)) {
            continue;
        }
        ++denied;
        for (int packets = 0; packets < 20; ++packets) {
            std::vector<std::uint8_t> bytes(kLongest);
            any.fill(bytes);
            const auto matches = [&](const std::array<KnownByte, 2>& known) {
                for (const KnownByte& byte : known) {
                    bytes.at(byte.offset) = byte.value;
                }
                return interpret(*program, Packet(bytes)) != 0;
            };
            ASSERT_EQ(matches(one), matches(other)) << "seed " << seed;
        }
    }
    EXPECT_GT(denied, 1'000) << "else this says little";
}

} // namespace
} // namespace pfild::cbpf
