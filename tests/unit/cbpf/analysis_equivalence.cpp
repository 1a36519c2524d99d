// SPDX-License-Identifier: BSD-2-Clause
// Which programs are found equal, and which are not; and brute force: programs that are found equal never differ, and
// those that were made equal by rewriting are found so.
#include "cbpf/analysis/equivalence.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cbpf/interpret.h"
#include "cbpf/text.h"
#include "tests/unit/cbpf/any_program.h"

namespace pfild::cbpf {
namespace {

using Instructions = std::vector<Instruction>;

Program program_of(const char* text) {
    auto program = assemble(text);
    EXPECT_TRUE(program) << text << program.error().message();
    return std::move(*program);
}

struct Pair {
    const char* what;
    const char* one;
    const char* other;
};

TEST(Equivalence, finds_programs_that_are_written_differently) {
    const Pair pairs[] = {
        {"the same", "ret #1", "ret #1"},
        {"code that nothing reaches", "ret #1", "ret #1\nld [0]\nret a"},
        {"a jump to the next instruction", "ldb [0]\nret a", "ldb [0]\nja 2\nret a"},
        {"both ways the same", "ldb [5]\nret #3", "ldb [5]\njeq #7,0,1\nret #3\nret #3"},
        {"a question asked twice", "ldb [0]\njeq #1,0,1\nret #1\nret #0",
         "ldb [0]\njeq #1,0,3\nldb [0]\njeq #1,0,1\nret #1\nret #0"},
        {"the opposite question", "ldb [0]\njeq #1,0,1\nret #1\nret #0", "ldb [0]\njeq #1,1,0\nret #0\nret #1"},
        {"more than 4 and at least 5", "ldb [0]\njgt #4,0,1\nret #1\nret #0", "ldb [0]\njge #5,0,1\nret #1\nret #0"},
        {"and in either order", "ldb [9]\njeq #6,0,3\nldb [20]\njeq #1,0,1\nret #1\nret #0",
         "ldb [20]\njeq #1,0,3\nldb [9]\njeq #6,0,1\nret #1\nret #0"},
        {"or in either order, of the same byte", "ldb [9]\njeq #6,1,0\njeq #17,0,1\nret #1\nret #0",
         "ldb [9]\njeq #17,1,0\njeq #6,0,1\nret #1\nret #0"},
        {"a load that an earlier one covers", "ldb [20]\njeq #1,0,1\nret #1\nret #0",
         "ldb [4]\nldb [20]\njeq #1,0,1\nret #1\nret #0"},
        {"constants that are calculated", "ret #7", "ld #3\nadd #4\nret a"},
        {"a sum in two steps", "ld len\nadd #5\nret a", "ld len\nadd #2\nadd #3\nret a"},
        {"minus is plus", "ld len\nsub #5\nret a", "ld len\nadd #-5\nret a"},
        {"times 4 is a shift", "ld len\nmul #4\nret a", "ld len\nlsh #2\nret a"},
        {"remainders of powers of 2 are masks", "ld len\nmod #8\nret a", "ld len\nand #7\nret a"},
        {"two masks", "ld [0]\nand #0xff\nand #0xf0\nret a", "ld [0]\nand #0xf0\nret a"},
        {"a mask that masks nothing", "ldb [0]\nret a", "ldb [0]\nand #0xff\nret a"},
        {"high bits by a mask and by a shift", "ldb [0]\nand #0xf0\njeq #0x40,0,1\nret #1\nret #0",
         "ldb [0]\nrsh #4\njeq #4,0,1\nret #1\nret #0"},
        {"and that they are more", "ldb [0]\nand #0xf0\njgt #0x55,0,1\nret #1\nret #0",
         "ldb [0]\nrsh #4\njge #6,0,1\nret #1\nret #0"},
        {"a high bit that is set", "ldb [0]\njset #0x80,0,1\nret #1\nret #0", "ldb [0]\njge #0x80,0,1\nret #1\nret #0"},
        {"high bits of a sum", "ldb [0]\nadd #3\nrsh #1\njeq #6,0,1\nret #1\nret #0",
         "ldb [0]\nadd #3\nand #0xfffffffe\njeq #12,0,1\nret #1\nret #0"},
        {"a sum that is more", "ldb [0]\nadd #3\njgt #10,0,1\nret #1\nret #0", "ldb [0]\njgt #7,0,1\nret #1\nret #0"},
        {"a difference that is not 0", "ldb [0]\ntax\nldb [1]\nsub x\njgt #0,0,1\nret #1\nret #0",
         "ldb [0]\ntax\nldb [1]\njeq x,1,0\nret #1\nret #0"},
        {"a constant in A or in X", "ldb [0]\ntax\nld #7\njeq x,0,1\nret #1\nret #0",
         "ldb [0]\njeq #7,0,1\nret #1\nret #0"},
        {"the header's length in two ways", "ldx 4*([14]&0xf)\nldh [x+16]\nret a",
         "ldb [14]\nand #0xf\nlsh #2\ntax\nldh [x+16]\nret a"},
        {"an offset that is added to X first", "ldx 4*([14]&0xf)\nldh [x+16]\nret a",
         "ldx 4*([14]&0xf)\ntxa\nadd #14\ntax\nldh [x+2]\nret a"},
        {"a constant X", "ldb [9]\nret a", "ldx #4\nldb [x+5]\nret a"},
        {"through memory", "ldb [9]\nret a", "ldb [9]\nst M[3]\nld #0\nld M[3]\nret a"},
        {"sums in either order", "ldb [0]\ntax\nldb [1]\nadd x\nret a", "ldb [1]\ntax\nldb [0]\nadd x\nret a"},
        {"what ends the program is nothing", "ret #0", "ld #1\nldx #0\ndiv x\nret #5"},
        {"what never does is not", "ld #8\nldx #2\ndiv x\nret a", "ret #4"},
        {"on the way to nothing all is the same", "ret #0", "ldb [7]\njeq #1,0,1\nret #0\nret #0"},
        {"a difference that is 0", "ldb [0]\njeq #5,0,1\nret #1\nret #0",
         "ldb [0]\nsub #5\njeq #0,0,1\nret #1\nret #0"},
        {"a difference from X that is 0", "ldb [0]\ntax\nldb [1]\njeq x,0,1\nret #1\nret #0",
         "ldb [1]\ntax\nldb [0]\nsub x\njeq #0,0,1\nret #1\nret #0"},
        {"a bit of a constant", "ret #2", "ld #6\njset #2,1,0\nret #1\nret #2"},
    };
    for (const Pair& row : pairs) {
        EXPECT_TRUE(certainly_equal(program_of(row.one), program_of(row.other))) << row.what;
        EXPECT_TRUE(certainly_equal(program_of(row.other), program_of(row.one))) << row.what;
    }
}

TEST(Equivalence, does_not_take_one_program_for_another) {
    const Pair pairs[] = {
        {"another result", "ret #1", "ret #2"},
        {"another length that is needed", "ldb [5]\nret #3", "ldb [6]\nret #3"},
        {"a load that can fail", "ret #3", "ldb [6]\nret #3"},
        {"another byte", "ldb [5]\nret a", "ldb [9]\nret a"},
        {"another size", "ldh [5]\nret a", "ld [5]\nret a"},
        {"more than 4 and more than 5", "ldb [0]\njgt #4,0,1\nret #1\nret #0", "ldb [0]\njgt #5,0,1\nret #1\nret #0"},
        {"and is not or", "ldb [9]\njeq #6,0,3\nldb [20]\njeq #1,0,1\nret #1\nret #0",
         "ldb [9]\njeq #6,2,0\nldb [20]\njeq #1,0,1\nret #1\nret #0"},
        {"captured is not on the wire", "ld len\njge #20,0,1\nret #1\nret #0", "ldb [19]\nret #1"},
        {"differences in the other order", "ldb [0]\ntax\nldb [1]\nsub x\nret a",
         "ldb [1]\ntax\nldb [0]\nsub x\nret a"},
        {"a sum that can wrap before it is an offset", "ld [0]\ntax\nldb [x+16]\nret a",
         "ld [0]\nadd #16\ntax\nldb [x+0]\nret a"},
        {"a divisor that can be 0", "ldb [0]\ntax\nld #0\ndiv x\nret #1", "ldb [0]\nret #1"},
        {"a shift by 32 is the end", "ldb [0]\ntax\nld #0\nlsh x\nret #1", "ldb [0]\nret #1"},
        {"a shift to the left loses bits", "ld [0]\nlsh #8\nrsh #8\nret a", "ld [0]\nret a"},
        {"a sum that wraps", "ld [0]\nadd #3\njgt #10,0,1\nret #1\nret #0", "ld [0]\njgt #7,0,1\nret #1\nret #0"},
        {"a mask with holes", "ldb [0]\nand #0xa0\njgt #0x5f,0,1\nret #1\nret #0",
         "ldb [0]\nrsh #5\njgt #2,0,1\nret #1\nret #0"},
        {"a shift by one more", "ldb [0]\nrsh #4\njeq #4,0,1\nret #1\nret #0",
         "ldb [0]\nrsh #5\njeq #2,0,1\nret #1\nret #0"},
        {"a difference that is more than 1", "ldb [0]\ntax\nldb [1]\nsub x\njgt #1,0,1\nret #1\nret #0",
         "ldb [0]\ntax\nldb [1]\njeq x,1,0\nret #1\nret #0"},
        {"a register that is 0 on one way only", "ldb [0]\njeq #1,0,1\nld #5\nret a",
         "ldb [0]\njeq #1,0,1\nld #6\nret a"},
    };
    for (const Pair& row : pairs) {
        EXPECT_FALSE(certainly_equal(program_of(row.one), program_of(row.other))) << row.what;
        EXPECT_FALSE(certainly_equal(program_of(row.other), program_of(row.one))) << row.what;
    }
}

/// A program that does the same, in another way: instructions that change nothing, put in front of one of them.
Instructions rewritten(const Instructions& program, tests::AnyProgram& random) {
    const std::uint32_t place = random.below(static_cast<std::uint32_t>(program.size()));
    const Instruction padding[] = {{0x05, 0, 0, 0}, {0x04, 0, 0, 0}, {0x44, 0, 0, 0}, {0x54, 0, 0, 0xffffffff}};
    Instructions longer;
    for (std::uint32_t at = 0; at < program.size(); ++at) {
        if (at == place) {
            longer.push_back(padding[random.below(4)]);
        }
        Instruction in = program[at];
        const auto moved = [&](std::uint32_t skipped) { // over the new one, if the jump leads behind it
            return at < place && at + 1 + skipped > place ? skipped + 1 : skipped;
        };
        if (in.code == 0x05) {
            in.k = moved(in.k);
        } else if (in.code % 8 == 5) {
            in.jt = static_cast<std::uint8_t>(std::min(moved(in.jt), 255U));
            in.jf = static_cast<std::uint8_t>(std::min(moved(in.jf), 255U));
        }
        longer.push_back(in);
    }
    return longer;
}

/// One field of one instruction is another.
Instructions disturbed(Instructions program, tests::AnyProgram& random) {
    Instruction& in = program[random.below(static_cast<std::uint32_t>(program.size()))];
    if (random.one_in(2)) {
        in.k ^= 1U << random.below(8);
    } else {
        std::swap(in.jt, in.jf);
    }
    return program;
}

bool agree(const Program& one, const Program& other, tests::AnyProgram& random) {
    for (int i = 0; i < 30; ++i) {
        std::vector<std::uint8_t> bytes(random.packet_length());
        random.fill(bytes);
        const Packet packet(bytes, static_cast<std::uint32_t>(bytes.size() + random.below(3)));
        if (interpret(one, packet) != interpret(other, packet)) {
            return false;
        }
    }
    return true;
}

TEST(Equivalence, is_never_contradicted_and_finds_most_rewritten_programs) {
    unsigned rewritten_found = 0;
    unsigned rewritten_tried = 0;
    unsigned disturbed_found = 0;
    unsigned disturbed_tried = 0;
    for (unsigned seed = 0; seed < 1'500; ++seed) {
        tests::AnyProgram random(seed);
        const Instructions instructions = random.program();
        if (instructions.size() > 60) {
            continue;
        }
        const auto program = Program::verify(instructions);
        ASSERT_TRUE(program);
        const auto same = Program::verify(rewritten(instructions, random));
        ASSERT_TRUE(same) << same.error().message();
        ASSERT_TRUE(agree(*program, *same, random)) << "the test itself is wrong";
        rewritten_tried++;
        rewritten_found += certainly_equal(*program, *same) ? 1 : 0;
        const auto other = Program::verify(disturbed(instructions, random));
        if (other) {
            const bool found = certainly_equal(*program, *other);
            disturbed_tried++;
            disturbed_found += found ? 1 : 0;
            ASSERT_TRUE(!found || agree(*program, *other, random)) << print(instructions, TextForm::kListing) << '\n'
                                                                   << print(other->instructions(), TextForm::kListing);
        }
    }
    EXPECT_GT(rewritten_found * 10, rewritten_tried * 9) << rewritten_found << " of " << rewritten_tried;
    EXPECT_GT(disturbed_found, 100U) << "or nothing was tried: of " << disturbed_tried;
    EXPECT_LT(disturbed_found, disturbed_tried);
}

} // namespace
} // namespace pfild::cbpf
