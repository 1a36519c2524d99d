// SPDX-License-Identifier: BSD-2-Clause
// What a program's result depends on: what people write, the corners, and brute force over random programs. A byte that
// is not named, or not needed, never changes a result; and what is named is not simply everything.
#include "cbpf/analysis/dependence.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/interpret.h"
#include "cbpf/text.h"
#include "tests/unit/cbpf/any_program.h"

namespace pfild::cbpf {
namespace {

using Ranges = std::vector<ByteRange>;
constexpr std::uint32_t kNoBound = 0x7fffffff;

Dependence dependence_of_text(const char* text) {
    const auto program = assemble(text);
    EXPECT_TRUE(program) << text << program.error().message();
    return dependence_of(*program);
}

struct DependenceRow {
    const char* what;
    const char* text;
    Ranges bytes;
    bool wire_length;
    std::uint32_t to_judge;
    std::uint32_t to_keep;
};

TEST(Dependence, names_the_bytes_and_the_lengths_that_matter) {
    const DependenceRow rows[] = {
        {"nothing", "ret #1", {}, false, 0, 1},
        {"a byte", "ldb [23]\nret a", {{23, 23}}, false, 24, 255},
        {"a half-word", "ldh [12]\njeq #0x800,0,1\nret #-1\nret #0", {{12, 13}}, false, 14, kWholePacket},
        {"half of a half-word", "ldh [20]\njset #0x1f00,0,1\nret #1\nret #0", {{20, 20}}, false, 22, 1},
        {"the middle of a word", "ld [0]\nrsh #8\nand #0xff\nret a", {{2, 2}}, false, 4, 255},
        {"a byte that is shifted away", "ldh [0]\nrsh #8\nret a", {{0, 0}}, false, 2, 255},
        {"a byte that is only loaded", "ld [4]\nret #7", {}, false, 8, 7},
        {"a byte on the way to nothing", "ldb [9]\njeq #1,0,1\nret #0\nret #0", {}, false, 0, 0},
        {"a byte that nobody asks for", "ld [40]\nldb [3]\nret a", {{3, 3}}, false, 44, 255},
        {"both sides the same", "ldb [3]\njeq #1,0,0\nret #4", {}, false, 4, 4},
        {"a jump that is always taken", "ldb [3]\njge #0,1,0\nld [100]\nret #4", {}, false, 4, 4},
        {"a jump that never is", "ldb [3]\njgt #255,0,1\nld [100]\nret #4", {}, false, 4, 4},
        {"the length", "ld len\nret a", {}, true, 0, kWholePacket},
        {"the length, not asked for", "ld len\nret #1", {}, false, 0, 1},
        {"behind an IPv4 header", "ldx 4*([14]&0xf)\nldh [x+16]\nret a", {{14, 14}, {16, 77}}, false, 78, 65535},
        {"a constant X", "ldx #4\nldb [x+3]\nret a", {{7, 7}}, false, 8, 255},
        {"X from a byte, one of 256", "ldb [0]\ntax\nldb [x+1]\nret a", {{0, 256}}, false, 257, 255},
        {"X without a bound", "ld [0]\ntax\nldb [x+8]\nret a", {{0, 3}, {8, kNoBound}}, false, kWholePacket, 255},
        {"X with a bound, by comparing",
         "ld [0]\njgt #20,0,1\nret #0\ntax\nldb [x+8]\nret a",
         {{0, 3}, {8, 28}},
         false,
         29,
         255},
        {"X through memory", "ldb [0]\nst M[2]\nldx M[2]\nldb [x+300]\nret a", {{0, 0}, {300, 555}}, false, 556, 255},
        {"an offset that does not exist", "ldb [0x80000000]\nret #1", {}, false, 0, 0},
        {"one that wraps", "ldx #1\nldb [x+0xffffffff]\nret #1", {}, false, 0, 0},
        {"a divisor that ends the program", "ldb [1]\ntax\nld #8\ndiv x\nret #1", {{1, 1}}, false, 2, 1},
        {"one that does not", "ldb [1]\nor #1\ntax\nld #8\ndiv x\nret #1", {}, false, 2, 1},
        {"two paths, two offsets",
         "ldb [0]\njeq #1,0,2\nldb [5]\nret a\nldb [9]\nret a",
         {{0, 0}, {5, 5}, {9, 9}},
         false,
         10,
         255},
        {"code that is not reached", "ret #1\nld [0]\nret a", {}, false, 0, 1},
    };
    for (const DependenceRow& row : rows) {
        const Dependence found = dependence_of_text(row.text);
        EXPECT_EQ(found.bytes, row.bytes) << row.what;
        EXPECT_EQ(found.wire_length, row.wire_length) << row.what;
        EXPECT_EQ(found.to_judge, row.to_judge) << row.what;
        EXPECT_EQ(found.to_keep, row.to_keep) << row.what;
    }
}

TEST(Dependence, says_which_instruction_reads_what) {
    const Dependence found =
        dependence_of_text("ldh [12]\njset #0x1fff,0,3\nldx 4*([14]&0xf)\nldh [x+16]\nret a\nret #0");
    const std::vector<Reading> wanted{
        {0, {12, 13}, false, 0x1fff}, {2, {14, 14}, false, 0xf}, {3, {16, 77}, true, 0xffff}};
    EXPECT_EQ(found.readings, wanted);
}

bool names(const Dependence& dependence, std::uint32_t byte) {
    return std::any_of(dependence.bytes.begin(), dependence.bytes.end(),
                       [byte](ByteRange range) { return range.first <= byte && byte <= range.last; });
}

/// What brute force has tried, so that a test that tried nothing fails.
struct Tried {
    unsigned mutated = 0;
    unsigned cut = 0;
    unsigned stretched = 0;
};

void expect_never_contradicted(const Program& program, tests::AnyProgram& random, Tried& tried) {
    const Dependence dependence = dependence_of(program);
    for (int packet = 0; packet < 4; ++packet) {
        std::vector<std::uint8_t> bytes(std::min(random.packet_length(), 400U));
        random.fill(bytes);
        const auto wire = static_cast<std::uint32_t>(bytes.size() + random.below(3));
        const std::uint32_t result = interpret(program, Packet(bytes, wire));
        ASSERT_LE(result, dependence.to_keep) << print(program.instructions(), TextForm::kListing);
        std::vector<std::uint8_t> others = bytes;
        for (std::uint32_t at = 0; at < others.size(); ++at) {
            if (!names(dependence, at)) {
                others[at] = random.packet_byte();
                tried.mutated++;
            }
        }
        ASSERT_EQ(interpret(program, Packet(others, wire)), result)
            << "another byte\n"
            << print(program.instructions(), TextForm::kListing);
        if (dependence.to_judge < bytes.size()) {
            const auto front = std::span(bytes).first(dependence.to_judge);
            ASSERT_EQ(interpret(program, Packet(front, wire)), result)
                << "a cut\n"
                << print(program.instructions(), TextForm::kListing);
            tried.cut++;
        }
        if (!dependence.wire_length) {
            ASSERT_EQ(interpret(program, Packet(bytes, wire + 77)), result)
                << "the length\n"
                << print(program.instructions(), TextForm::kListing);
            tried.stretched++;
        }
    }
}

TEST(Dependence, is_never_contradicted_by_programs_of_every_kind) {
    Tried tried;
    for (unsigned seed = 0; seed < 6'000; ++seed) {
        tests::AnyProgram source(seed);
        const auto program = Program::verify(source.program());
        ASSERT_TRUE(program);
        expect_never_contradicted(*program, source, tried);
        if (HasFatalFailure()) {
            return;
        }
    }
    EXPECT_GT(tried.mutated, 50'000U);
    EXPECT_GT(tried.cut, 2'000U);
    EXPECT_GT(tried.stretched, 2'000U);
}

} // namespace
} // namespace pfild::cbpf
