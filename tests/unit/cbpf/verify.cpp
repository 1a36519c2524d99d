// SPDX-License-Identifier: BSD-2-Clause
// The verifier, rule by rule: for each rule programs that break it and their twins that do not.
#include <gtest/gtest.h>

#include "cbpf/program.h"
#include "tests/oracle/random_program.h"
#include "tests/oracle/reference.h"

namespace pfild::cbpf {
namespace {

using Code = std::vector<Instruction>;

constexpr std::uint16_t kOpRet = 0x06;
constexpr std::uint16_t kOpRetA = 0x16;
constexpr std::uint16_t kOpJa = 0x05;
constexpr std::uint16_t kOpJeq = 0x15;
constexpr std::uint16_t kOpJsetX = 0x4d;
constexpr std::uint16_t kOpLdImm = 0x00;
constexpr std::uint16_t kOpLdMem = 0x60;
constexpr std::uint16_t kOpLdxMem = 0x61;
constexpr std::uint16_t kOpSt = 0x02;
constexpr std::uint16_t kOpStx = 0x03;

Code repeated(std::size_t count, Instruction instruction, Instruction last) {
    Code code(count, instruction);
    code.push_back(last);
    return code;
}

struct Broken {
    const char* what;
    Code code;
    std::size_t index;
    Rule rule;
};

TEST(Verify, names_the_first_faulty_instruction_and_the_rule_it_breaks) {
    const Broken table[] = {
        {"CF-01: no instruction at all", {}, 0, Rule::kLength},
        {"CF-01: one more than 512", repeated(512, {kOpLdImm, 0, 0, 0}, {kOpRet, 0, 0, 0}), 513, Rule::kLength},
        {"CF-02: a code that NetBSD would mask to `ret #k`", {{0x8006, 0, 0, 1}}, 0, Rule::kOpcode},
        {"CF-02, CF-03: a code that would do nothing",
         {{kOpLdImm, 0, 0, 0}, {0x27, 0, 0, 0}, {kOpRet, 0, 0, 0}},
         1,
         Rule::kOpcode},
        {"CF-02: only one way leads to it", {{kOpJeq, 0, 1, 0}, {0x0e, 0, 0, 0}, {kOpRet, 0, 0, 0}}, 1, Rule::kOpcode},
        {"CF-04, CF-05: the last instruction is no return", {{kOpLdImm, 0, 0, 1}, {kOpLdImm, 0, 0, 1}}, 1, Rule::kEnd},
        {"CF-05: falls off the end on the way that is not taken first",
         {{kOpJeq, 0, 1, 0}, {kOpRet, 0, 0, 0}, {kOpSt, 0, 0, 0}},
         2,
         Rule::kEnd},
        {"CF-06: jumps to just behind the end", {{kOpJa, 0, 0, 1}, {kOpRet, 0, 0, 0}}, 0, Rule::kJump},
        {"CF-06: jumps so far that it wraps to itself", {{kOpJa, 0, 0, 0xffffffff}, {kOpRet, 0, 0, 0}}, 0, Rule::kJump},
        {"CF-06: the taken branch leads outside", {{kOpJeq, 1, 0, 0}, {kOpRet, 0, 0, 0}}, 0, Rule::kJump},
        {"CF-06: the other branch leads outside", {{kOpJsetX, 0, 1, 0}, {kOpRet, 0, 0, 0}}, 0, Rule::kJump},
        {"CF-08: stores A behind memory", {{kOpSt, 0, 0, 16}, {kOpRet, 0, 0, 0}}, 0, Rule::kMemoryIndex},
        {"CF-08: stores X far behind memory", {{kOpStx, 0, 0, 0xffffffff}, {kOpRet, 0, 0, 0}}, 0, Rule::kMemoryIndex},
        {"CF-08: loads X from behind memory", {{kOpLdxMem, 0, 0, 32}, {kOpRet, 0, 0, 0}}, 0, Rule::kMemoryIndex},
        {"CF-09: loads A from a word never written", {{kOpLdMem, 0, 0, 3}, {kOpRet, 0, 0, 0}}, 0, Rule::kMemoryUnset},
        {"CF-09: loads X from a word while another was written",
         {{kOpSt, 0, 0, 2}, {kOpLdxMem, 0, 0, 3}, {kOpRet, 0, 0, 0}},
         1,
         Rule::kMemoryUnset},
        {"CF-09, CF-10: one of two paths did not write it",
         {{kOpJeq, 0, 1, 0}, {kOpSt, 0, 0, 0}, {kOpLdMem, 0, 0, 0}, {kOpRetA, 0, 0, 0}},
         2,
         Rule::kMemoryUnset},
        {"CF-11: divides by 0", {{0x34, 0, 0, 0}, {kOpRet, 0, 0, 0}}, 0, Rule::kDivisor},
        {"CF-11: remainder of a division by 0", {{0x94, 0, 0, 0}, {kOpRet, 0, 0, 0}}, 0, Rule::kDivisor},
        {"CF-12: shifts left by 32", {{0x64, 0, 0, 32}, {kOpRet, 0, 0, 0}}, 0, Rule::kShift},
        {"CF-12: shifts right by 2^32-1", {{0x74, 0, 0, 0xffffffff}, {kOpRet, 0, 0, 0}}, 0, Rule::kShift},
    };
    for (const Broken& row : table) {
        const auto program = Program::verify(row.code);
        ASSERT_FALSE(program) << row.what;
        EXPECT_EQ(program.error().index, row.index) << row.what;
        EXPECT_EQ(program.error().rule, row.rule) << row.what << ": " << program.error().message();
    }
}

struct Sound {
    const char* what;
    Code code;
};

TEST(Verify, accepts_what_breaks_no_rule_on_a_path_that_exists) {
    const Sound table[] = {
        {"CF-01: one instruction", {{kOpRet, 0, 0, 0}}},
        {"CF-01: 512 instructions", repeated(511, {kOpLdImm, 0, 0, 0}, {kOpRet, 0, 0, 0})},
        {"CF-04, CF-07: the last instruction cannot be reached", {{kOpRet, 0, 0, 1}, {kOpLdImm, 0, 0, 1}}},
        {"CF-07: an unreachable unknown opcode", {{kOpRet, 0, 0, 1}, {0xffff, 0, 0, 0}, {kOpRet, 0, 0, 0}}},
        {"CF-07: an unreachable division by 0", {{kOpJa, 0, 0, 1}, {0x34, 0, 0, 0}, {kOpRet, 0, 0, 1}}},
        {"CF-07: an unreachable jump to outside", {{kOpRet, 0, 0, 1}, {kOpJa, 0, 0, 99}}},
        {"CF-07: what only unreachable code leads to is unreachable",
         {{kOpRet, 0, 0, 1}, {kOpJa, 0, 0, 0}, {0xffff, 0, 0, 0}}},
        {"CF-06: jumps to the last instruction", {{kOpJa, 0, 0, 1}, {kOpRet, 0, 0, 1}, {kOpRet, 0, 0, 0}}},
        {"CF-06: jumps by nothing", {{kOpJeq, 0, 0, 0}, {kOpRet, 0, 0, 0}}},
        {"CF-08, CF-09: the last word of memory", {{kOpSt, 0, 0, 15}, {kOpLdMem, 0, 0, 15}, {kOpRetA, 0, 0, 0}}},
        {"CF-10: both paths write it, one A and one X",
         {{kOpJeq, 0, 2, 0},
          {kOpSt, 0, 0, 0},
          {kOpJa, 0, 0, 1},
          {kOpStx, 0, 0, 0},
          {kOpLdMem, 0, 0, 0},
          {kOpRetA, 0, 0, 0}}},
        {"CF-10: the path that did not write it returns before",
         {{kOpJeq, 0, 1, 0}, {kOpRet, 0, 0, 0}, {kOpSt, 0, 0, 0}, {kOpLdMem, 0, 0, 0}, {kOpRetA, 0, 0, 0}}},
        {"CF-11: divides by 1", {{0x34, 0, 0, 1}, {kOpRet, 0, 0, 0}}},
        {"CF-11: divides by X, whose value nobody knows; k is not looked at", {{0x3c, 0, 0, 0}, {kOpRet, 0, 0, 0}}},
        {"CF-12: shifts by 31", {{0x64, 0, 0, 31}, {0x74, 0, 0, 31}, {kOpRet, 0, 0, 0}}},
        {"CF-12: shifts by X; k is not looked at", {{0x6c, 0, 0, 99}, {kOpRet, 0, 0, 0}}},
        {"CF-13: a load from far outside every packet", {{0x20, 0, 0, 0xffffffff}, {kOpRet, 0, 0, 0}}},
        {"jt and jf of what is no jump are not looked at", {{kOpLdImm, 255, 255, 0}, {kOpRet, 255, 255, 0}}},
    };
    for (const Sound& row : table) {
        const auto program = Program::verify(row.code);
        EXPECT_TRUE(program) << row.what << ": " << program.error().message();
    }
}

TEST(Verify, a_rejection_reads_as_one_line_that_names_instruction_and_rule) {
    const auto message = [](const Code& code) { return Program::verify(code).error().message(); };
    EXPECT_EQ(message({{kOpLdImm, 0, 0, 1}, {0x34, 0, 0, 0}, {kOpRet, 0, 0, 0}}),
              "instruction 1 (div #0, 0x34): division by the constant 0 (CF-11)");
    EXPECT_EQ(message({{0xffff, 0, 0, 0}}), "instruction 0 (0xffff): no such opcode (CF-02)");
    EXPECT_EQ(message({{kOpJa, 0, 0, 7}}), "instruction 0 (ja +7, 0x05): jump to outside the program (CF-06)");
    EXPECT_EQ(message({}), "program of 0 instructions: a program has 1 to 512 instructions (CF-01)");
}

TEST(Verify, keeps_the_program_as_given_and_decodes_it_index_by_index) {
    const Code code{
        {0x28, 0, 0, 12}, {kOpJeq, 0, 1, 0x800}, {kOpRet, 0, 0, 0xffffffff}, {kOpRet, 0, 0, 0}, {0xff, 1, 2, 3}};
    const auto program = Program::verify(code);
    ASSERT_TRUE(program);
    EXPECT_EQ(Code(program->instructions().begin(), program->instructions().end()), code);
    ASSERT_EQ(program->steps().size(), code.size());
    EXPECT_EQ(program->steps()[1].opcode, Opcode::kJeqK);
    EXPECT_EQ(program->steps()[1].jf, 1);
    EXPECT_EQ(program->steps()[1].k, 0x800U);
    EXPECT_EQ(program->steps()[4].opcode, Opcode::kRetK) << "an unreachable instruction decodes to `ret #0`";
    EXPECT_EQ(program->steps()[4].k, 0U);
}

TEST(Verify, the_longest_program_of_two_way_jumps_is_still_one_pass_CF_14) {
    Code code;
    for (std::size_t index = 0; index + 2 < kMaxInstructions; ++index) {
        code.push_back({kOpJeq, 0, 1, 0}); // 2^510 paths
    }
    code.push_back({kOpLdImm, 0, 0, 0});
    code.push_back({kOpRet, 0, 0, 1});
    EXPECT_TRUE(Program::verify(code));
    code.back() = {kOpLdImm, 0, 0, 0};
    EXPECT_FALSE(Program::verify(code));
}

/// Valid programs with one field changed: some stay valid, some do not, and both verifiers must say the same.
TEST(Verify, agrees_with_a_walk_along_every_path_CF_07_CF_10) {
    tests::RandomProgram random(20040929, {});
    std::size_t accepted = 0;
    std::size_t refused = 0;
    for (int round = 0; round < 4000; ++round) {
        Code code = random.program(12);
        for (std::uint32_t mutation = 0; mutation < 2; ++mutation) {
            Instruction& victim = code[random.below(static_cast<std::uint32_t>(code.size()))];
            switch (random.below(4)) {
            case 0:
                victim.code = static_cast<std::uint16_t>(random.below(256));
                break;
            case 1:
                victim.k = random.below(40);
                break;
            case 2:
                victim = {kOpJeq, static_cast<std::uint8_t>(random.below(20)),
                          static_cast<std::uint8_t>(random.below(20)), 0};
                break;
            default:
                victim = {kOpLdMem, 0, 0, random.below(6)};
            }
        }
        const bool expected = tests::reference_accepts(code);
        ASSERT_EQ(Program::verify(code).has_value(), expected) << "round " << round;
        ++(expected ? accepted : refused);
    }
    EXPECT_GT(accepted, 400U) << "the random programs no longer test acceptance";
    EXPECT_GT(refused, 400U) << "the random programs no longer test refusal";
}

} // namespace
} // namespace pfild::cbpf
