// SPDX-License-Identifier: BSD-2-Clause
// How much of a packet a filter needs: what people write, the corners, and 20,000 random programs that must answer the
// same for a packet that was cut to the length found.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "capture/needed_length.h"
#include "cbpf/interpret.h"
#include "tests/unit/capture/device.h"

namespace pfild::capture {
namespace {

using cbpf::Instruction;

constexpr std::uint32_t kWhole = kWholePacket;

TEST(CaptureNeededLength, is_the_furthest_load_and_the_largest_return) {
    struct Row {
        const char* sentence;
        std::vector<Instruction> program;
        NeededLength needed;
    };
    for (const Row& row : {
             Row{"ret #0", {{0x06, 0, 0, 0}}, {0, 0}},
             Row{"ret #96", {{0x06, 0, 0, 96}}, {0, 96}},
             Row{"ret a", {{0x80, 0, 0, 0}, {0x16, 0, 0, 0}}, {0, kWhole}},
             Row{"ld [12]", {{0x20, 0, 0, 12}, {0x06, 0, 0, 1}}, {16, 1}},
             Row{"ldh [12]", {{0x28, 0, 0, 12}, {0x06, 0, 0, 1}}, {14, 1}},
             Row{"ldb [12]", {{0x30, 0, 0, 12}, {0x06, 0, 0, 1}}, {13, 1}},
             Row{"ldx 4*([14]&0xf)", {{0xb1, 0, 0, 14}, {0x06, 0, 0, 1}}, {15, 1}},
             Row{"ldh [x+16] behind an IPv4 header", {{0xb1, 0, 0, 14}, {0x48, 0, 0, 16}, {0x06, 0, 0, 1}}, {78, 1}},
             Row{"ld [x+16], X constant", {{0x01, 0, 0, 8}, {0x40, 0, 0, 16}, {0x06, 0, 0, 1}}, {28, 1}},
             Row{"ldb [x+16], X still 0", {{0x50, 0, 0, 16}, {0x06, 0, 0, 1}}, {17, 1}},
             Row{"ldb [x+0], X from A",
                 {{0x20, 0, 0, 0}, {0x07, 0, 0, 0}, {0x50, 0, 0, 0}, {0x06, 0, 0, 1}},
                 {kWhole, 1}},
             Row{"ldb [x+0], X the length", {{0x81, 0, 0, 0}, {0x50, 0, 0, 0}, {0x06, 0, 0, 1}}, {kWhole, 1}},
             Row{"ldb [x+0], X from memory",
                 {{0x80, 0, 0, 0}, {0x02, 0, 0, 0}, {0x61, 0, 0, 0}, {0x50, 0, 0, 0}, {0x06, 0, 0, 1}},
                 {kWhole, 1}},
             Row{"X from A, but nothing is loaded by it", {{0x07, 0, 0, 0}, {0x06, 0, 0, 1}}, {0, 1}},
             Row{"an offset that no packet has", {{0x30, 0, 0, UINT32_MAX}, {0x06, 0, 0, 1}}, {0, 0}},
             Row{"two returns, the larger first",
                 {{0x28, 0, 0, 12}, {0x15, 0, 1, 0x800}, {0x06, 0, 0, 262144}, {0x06, 0, 0, 0}},
                 {14, 262144}},
             Row{"what cannot be reached needs nothing",
                 {{0x05, 0, 0, 2}, {0x20, 0, 0, 1000}, {0x16, 0, 0, 0}, {0x06, 0, 0, 5}},
                 {0, 5}},
         }) {
        SCOPED_TRACE(row.sentence);
        const NeededLength needed = needed_length(program_of(row.program));
        EXPECT_EQ(needed.to_judge, row.needed.to_judge);
        EXPECT_EQ(needed.to_keep, row.needed.to_keep);
    }
}

/// Loads, stores, arithmetic and jumps as they come, with offsets around the packet's length; a return at the end.
std::vector<Instruction> random_instructions(std::mt19937& random) {
    static constexpr std::array<std::uint16_t, 22> kCodes{0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0x00, 0x80,
                                                          0x01, 0x81, 0xb1, 0x02, 0x03, 0x60, 0x61, 0x04,
                                                          0x0c, 0x54, 0x07, 0x87, 0x15, 0x25};
    const auto below = [&](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
    std::vector<Instruction> program;
    const std::uint32_t length = 1 + below(8);
    for (std::uint32_t i = 0; i < length; i++) {
        const std::uint16_t code = kCodes[below(kCodes.size())];
        const bool memory = code == 0x02 || code == 0x03 || code == 0x60 || code == 0x61;
        const auto jump = [&] { return static_cast<std::uint8_t>(below(2)); };
        program.push_back({code, jump(), jump(), memory ? below(2) : below(80)});
    }
    program.push_back({static_cast<std::uint16_t>(below(2) == 0 ? 0x16 : 0x06), 0, 0, below(100)});
    program.push_back({0x16, 0, 0, 0});
    return program;
}

TEST(CaptureNeededLength, is_enough_for_the_same_answer) {
    std::mt19937 random(49); // NOLINT: the same numbers every time
    unsigned programs = 0;
    unsigned cut = 0;
    while (programs < 20'000) {
        const auto program = cbpf::Program::verify(random_instructions(random));
        if (!program) {
            continue;
        }
        programs++;
        core::Bytes bytes(random() % 100);
        std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::uint8_t>(random() % 24); });
        const auto wire = static_cast<std::uint32_t>(bytes.size());
        const NeededLength needed = needed_length(*program);
        const std::uint32_t answer = cbpf::interpret(*program, cbpf::Packet(bytes));
        EXPECT_LE(answer, needed.to_keep);
        if (needed.to_judge < wire) {
            cut++;
            const auto front = std::span(bytes).first(needed.to_judge);
            EXPECT_EQ(cbpf::interpret(*program, cbpf::Packet(front, wire)), answer);
        }
    }
    EXPECT_GT(cut, 3'000U) << "or nothing was tried";
}

} // namespace
} // namespace pfild::capture
