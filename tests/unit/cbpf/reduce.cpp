// SPDX-License-Identifier: BSD-2-Clause
// What a reduced program looks like, and that nothing has changed: packets that are cut, divisors of 0 and long shifts.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/analysis/equivalence.h"
#include "cbpf/interpret.h"
#include "cbpf/reduce/reduce.h"
#include "cbpf/text.h"
#include "tests/unit/cbpf/any_program.h"

namespace pfild::cbpf {
namespace {

using Instructions = std::vector<Instruction>;

Program assembled(const char* text) {
    auto program = assemble(text);
    EXPECT_TRUE(program) << text << program.error().message();
    return std::move(*program);
}

struct ReductionRow {
    const char* what;
    const char* given;
    const char* reduced;
};

TEST(Reduce, leaves_out_what_changes_nothing_and_nothing_else) {
    const ReductionRow rows[] = {
        {"constants that are calculated", "ld #3\nst M[0]\nldx #4\nld M[0]\nadd x\nret a", "ret #7"},
        {"a question asked twice", "ldb [0]\njeq #1,0,3\nldb [0]\njeq #1,0,1\nret #1\nret #0",
         "ldb [0]\njeq #1,0,1\nret #1\nret #0"},
        {"a question whose answer another one gives", "ldb [0]\njeq #1,0,3\nldb [0]\njgt #4,1,0\nret #1\nret #0",
         "ldb [0]\njeq #1,0,1\nret #1\nret #0"},
        {"a mask of what is known", "ldb [0]\njeq #0x45,0,4\nldb [0]\nand #0xf0\njeq #0x40,0,1\nret #1\nret #0",
         "ldb [0]\njeq #0x45,0,1\nret #1\nret #0"},
        {"a load that a later one covers", "ldb [4]\nldb [20]\njeq #1,0,1\nret #1\nret #0",
         "ldb [20]\njeq #1,0,1\nret #1\nret #0"},
        {"a load that nobody uses, and that can fail", "ldb [6]\nret #3\nret #0", "ldb [6]\nret #3"},
        {"and the same in front of nothing", "ldb [6]\nret #0", "ret #0"},
        {"both ways alike, after a load", "ldb [5]\njeq #7,0,1\nret #3\nret #3", "ldb [5]\nret #3"},
        {"a register that another way has loaded", "ldb [0]\njeq #1,0,4\nldb [0]\njeq #2,0,1\nret #9\nret #1\nret #2",
         "ldb [0]\njeq #1,0,1\nret #1\nret #2"},
        {"code that nothing reaches", "ret #1\nld [0]\nret a", "ret #1"},
        {"two ways to the same tail", "ldb [0]\njeq #1,0,2\nldb [4]\njeq #5,2,3\nldb [4]\njeq #5,0,1\nret #1\nret #0",
         "ldb [4]\njeq #5,0,1\nret #1\nret #0"},
        {"a divisor that can be 0", "ldb [0]\ntax\nld #8\ndiv x\njge #0,0,1\nret #1\nret #0", nullptr},
        {"a divisor that cannot, once it is known", "ldb [0]\njeq #2,0,4\ntax\nld #8\ndiv x\nret a\nret #0", nullptr},
        {"a shift that can be too long", "ldb [0]\ntax\nld #1\nlsh x\njge #0,0,1\nret #1\nret #0", nullptr},
        {"an offset that is in the packet",
         "ldb [0]\ntax\nldb [x+4]\njeq #1,0,3\nldb [x+4]\njeq #1,0,1\nret #1\nret #0",
         "ldb [0]\ntax\nldb [x+4]\njeq #1,0,1\nret #1\nret #0"},
        {"a load in front of an answer that others come to",
         "ldb [0]\njeq #1,0,2\nldb [5]\nret #3\njeq #2,0,1\nret #3\nret #0",
         "ldb [0]\njeq #1,1,0\njeq #2,1,2\nldb [5]\nret #3\nret #0"},
        {"values in a row", "ldb [0]\njeq #5,4,0\njeq #7,3,0\njeq #4,2,0\njeq #6,1,0\nret #0\nret #1",
         "ldb [0]\nand #0xfc\njeq #4,0,1\nret #1\nret #0"},
        {"values in a row that have no mask", "ldb [0]\njeq #5,4,0\njeq #7,3,0\njeq #8,2,0\njeq #6,1,0\nret #0\nret #1",
         "ldb [0]\njge #5,0,2\njge #9,1,0\nret #1\nret #0"},
        {"values in a row from 0 on", "ldb [0]\njeq #1,3,0\njeq #0,2,0\njeq #2,1,0\nret #0\nret #1", nullptr},
        {"two in a row, which two jumps would be as well", "ldb [0]\njeq #5,2,0\njeq #6,1,0\nret #0\nret #1", nullptr},
        {"nets of two sizes",
         "ld [0]\nand #0xff000000\njeq #0x0a000000,10,0\nld [0]\nand #0xffff0000\n"
         "jeq #0x0b010000,7,0\nld [0]\nand #0xff000000\njeq #0x0c000000,4,0\nld [0]\n"
         "and #0xffff0000\njeq #0x0d010000,1,0\nret #0\nret #1",
         "ld [0]\nand #0xffff0000\njeq #0xb010000,5,0\njeq #0xd010000,4,0\nld [0]\nand #0xff000000\n"
         "jeq #0xa000000,1,0\njeq #0xc000000,0,1\nret #1\nret #0"},
        {"a shift of what is known", "ldb [0]\njeq #0x45,0,4\nldb [0]\nrsh #4\njgt #3,0,1\nret #1\nret #0",
         "ldb [0]\njeq #0x45,0,1\nret #1\nret #0"},
        {"a difference that is 0", "ldb [0]\ntax\nldb [1]\nsub x\njgt #0,0,1\nret #1\nret #0", nullptr},
        {"what only matters for cut packets", "ldh [12]\njeq #0x800,0,3\nldb [40]\njeq #1,0,0\nret #1\nret #0",
         "ldh [12]\njeq #0x800,0,2\nldb [40]\nret #1\nret #0"},
    };
    for (const ReductionRow& row : rows) {
        const Program given = assembled(row.given);
        const Instructions made = reduced(given);
        const auto program = Program::verify(made);
        ASSERT_TRUE(program) << row.what;
        EXPECT_LE(made.size(), given.instructions().size()) << row.what;
        EXPECT_TRUE(certainly_equal(given, *program)) << row.what << '\n' << print(made, TextForm::kListing);
        if (row.reduced != nullptr) {
            const Program wanted = assembled(row.reduced);
            const auto right = wanted.instructions();
            EXPECT_EQ(print(made, TextForm::kListing),
                      print(Instructions(right.begin(), right.end()), TextForm::kListing))
                << row.what;
        }
    }
}

TEST(Reduce, changes_no_answer_of_any_program) {
    unsigned shorter = 0;
    unsigned proved = 0;
    unsigned tried = 0;
    for (unsigned seed = 0; seed < 1'500; ++seed) {
        tests::AnyProgram random(seed);
        const auto given = Program::verify(random.program());
        ASSERT_TRUE(given);
        const Instructions made = reduced(*given);
        const auto program = Program::verify(made);
        ASSERT_TRUE(program) << program.error().message();
        ASSERT_LE(made.size(), given->instructions().size());
        ++tried;
        shorter += made.size() < given->instructions().size() ? 1 : 0;
        proved += certainly_equal(*given, *program) ? 1 : 0;
        for (int i = 0; i < 60; ++i) {
            std::vector<std::uint8_t> bytes(random.packet_length());
            random.fill(bytes);
            const Packet packet(bytes, static_cast<std::uint32_t>(bytes.size() + random.below(3)));
            ASSERT_EQ(interpret(*program, packet), interpret(*given, packet)) << "seed " << seed;
        }
    }
    EXPECT_GT(shorter * 10, tried * 7) << shorter << " of " << tried;
    EXPECT_GT(proved * 10, tried * 9) << proved << " of " << tried;
}

/// Questions about results are made questions about what they are made of: all values of a byte, through any two.
TEST(Reduce, asks_behind_operations_for_the_same_values) {
    const char* const operations[] = {"and #0xf0", "and #0xf", "and #0xa0", "and #0xfe", "rsh #1",  "rsh #4",
                                      "rsh #7",    "add #3",   "add #250",  "sub #5",    "lsh #28", "neg"};
    const char* const questions[] = {"jeq #0",  "jeq #4",    "jeq #0x40", "jeq #13",  "jgt #0",     "jgt #3",
                                     "jgt #75", "jge #0xf0", "jge #1",    "jset #12", "jset #0x80", "jgt #0xfffffff0"};
    unsigned shorter = 0;
    for (const char* one : operations) {
        for (const char* other : operations) {
            for (const char* question : questions) {
                const std::string text =
                    std::string("ldb [0]\n") + one + '\n' + other + '\n' + question + ",0,1\nret #1\nret #0";
                const Program given = assembled(text.c_str());
                const Instructions made = reduced(given);
                const auto program = Program::verify(made);
                ASSERT_TRUE(program) << text;
                ASSERT_TRUE(certainly_equal(given, *program)) << text << '\n' << print(made, TextForm::kListing);
                shorter += made.size() < given.instructions().size() ? 1 : 0;
                for (unsigned value = 0; value < 256; ++value) {
                    const std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(value)};
                    ASSERT_EQ(interpret(*program, Packet(bytes)), interpret(given, Packet(bytes)))
                        << text << " of " << value << '\n'
                        << print(made, TextForm::kListing);
                }
            }
        }
    }
    EXPECT_GT(shorter, 1'000U);
}

/// Many questions about one field, and answers that are too far for a jump.
TEST(Reduce, brings_long_lists_into_the_reach_of_jumps) {
    Instructions list;
    constexpr std::uint32_t kHosts = 400;
    for (std::uint32_t host = 0; host < kHosts; ++host) {
        list.push_back({info(Opcode::kLd).code, 0, 0, 26});
        list.push_back({info(Opcode::kJeqK).code, 0, 1, host * 7});
        list.push_back({info(Opcode::kRetK).code, 0, 0, 1});
    }
    list.push_back({info(Opcode::kRetK).code, 0, 0, 0});
    const auto given = Program::verify(list, kLongestToReduce);
    ASSERT_TRUE(given);
    const Instructions made = reduced(*given);
    const auto program = Program::verify(made);
    ASSERT_TRUE(program) << made.size();
    EXPECT_LE(made.size(), kHosts + 6);
    EXPECT_TRUE(certainly_equal(*given, *program));
    for (std::uint32_t value = 0; value < kHosts * 7 + 3; ++value) {
        std::vector<std::uint8_t> bytes(30);
        bytes[28] = static_cast<std::uint8_t>(value >> 8U);
        bytes[29] = static_cast<std::uint8_t>(value);
        ASSERT_EQ(interpret(*program, Packet(bytes)), value % 7 == 0 && value < kHosts * 7 ? 1U : 0U) << value;
    }
}

} // namespace
} // namespace pfild::cbpf
