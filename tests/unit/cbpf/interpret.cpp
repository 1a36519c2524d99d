// SPDX-License-Identifier: BSD-2-Clause
// What a run yields, rule by rule, on every back end; and random programs against the reference machine.
#include <gtest/gtest.h>

#include "tests/oracle/random_program.h"
#include "tests/oracle/reference.h"
#include "tests/unit/cbpf/backends.h"

namespace pfild::cbpf {
namespace {

struct RunCase {
    const char* what;
    std::vector<Instruction> code;
    std::uint32_t result;
};

constexpr Instruction kReturnA{0x16, 0, 0, 0};
constexpr Instruction kReturn7{0x06, 0, 0, 7};
constexpr Instruction ld_imm(std::uint32_t k) { return {0x00, 0, 0, k}; }
constexpr Instruction ldx_imm(std::uint32_t k) { return {0x01, 0, 0, k}; }
constexpr Instruction op(std::uint16_t code, std::uint32_t k = 0) { return {code, 0, 0, k}; }

/// The packet of every case below: 8 bytes of 100.
const std::vector<std::uint8_t> kPacket{0x45, 0xad, 0xbe, 0xef, 0x80, 0x00, 0x00, 0x01};
constexpr std::uint32_t kWireLength = 100;

void expect_results(std::span<const RunCase> table) {
    for (const RunCase& row : table) {
        const auto program = Program::verify(row.code);
        ASSERT_TRUE(program) << row.what << ": " << program.error().message();
        const tests::Runnable runnable(*program);
        for (const tests::Backend& backend : tests::kBackends) {
            EXPECT_EQ(backend.run(runnable, kPacket, kWireLength), row.result) << row.what << ", " << backend.name;
        }
    }
}

TEST(Interpret, loads) {
    const RunCase table[] = {
        {"CF-20: the last word", {op(0x20, 4), kReturnA}, 0x80000001},
        {"CF-20: a word that ends one byte outside", {op(0x20, 5), kReturn7}, 0},
        {"CF-20: the last half-word", {op(0x28, 6), kReturnA}, 1},
        {"CF-20: a half-word that ends one byte outside", {op(0x28, 7), kReturn7}, 0},
        {"CF-20: the last byte", {op(0x30, 7), kReturnA}, 1},
        {"CF-20: the byte behind it", {op(0x30, 8), kReturn7}, 0},
        {"CF-20: an indexed word, unaligned", {ldx_imm(1), op(0x40, 0), kReturnA}, 0xadbeef80},
        {"CF-20: an indexed half-word outside", {ldx_imm(4), op(0x48, 3), kReturn7}, 0},
        {"CF-21: len is the wire length", {op(0x80), kReturnA}, kWireLength},
        {"CF-21: len of X, too", {op(0x81), op(0x87), kReturnA}, kWireLength},
        {"CF-21: but loads end where the captured bytes end", {op(0x30, 50), kReturn7}, 0},
        {"CF-22: X+k = 2^32 does not wrap to 0", {ldx_imm(0xffffffff), op(0x50, 1), kReturn7}, 0},
        {"CF-22: nor does it with the roles exchanged", {ldx_imm(1), op(0x50, 0xffffffff), kReturn7}, 0},
        {"CF-22: a half-word over the wrap", {ldx_imm(0xffffffff), op(0x48, 0), kReturn7}, 0},
        {"CF-22: a word over the wrap", {op(0x20, 0xfffffffe), kReturn7}, 0},
        {"CF-22: an X that only the run can know", {op(0x30, 7), op(0x84), op(0x07), op(0x50, 1), kReturn7}, 0},
        {"CF-22: a half-word over the wrap, X from the packet",
         {op(0x30, 7), op(0x84), op(0x07), op(0x48), kReturn7},
         0},
        {"CF-23: offset 2^31", {op(0x30, 0x80000000), kReturn7}, 0},
        {"CF-23: what Linux takes as an ancillary load", {op(0x30, 0xfffff000), kReturn7}, 0},
        {"CF-23: what Linux takes as the network header", {ldx_imm(0xfff00000), op(0x50, 0), kReturn7}, 0},
        {"CF-27: msh yields four times the low nibble", {op(0xb1, 0), op(0x87), kReturnA}, 20},
        {"CF-27: msh drops the high nibble", {op(0xb1, 3), op(0x87), kReturnA}, 60},
        {"CF-27: msh leaves A alone", {ld_imm(5), op(0xb1, 0), kReturnA}, 5},
        {"CF-27: msh outside", {op(0xb1, 8), kReturn7}, 0},
    };
    expect_results(table);
}

TEST(Interpret, arithmetic) {
    const RunCase table[] = {
        {"CF-24: division by X = 0 ends the program", {ld_imm(9), ldx_imm(0), op(0x3c, 5), kReturn7}, 0},
        {"CF-24: so does the remainder", {ld_imm(9), ldx_imm(0), op(0x9c, 5), kReturn7}, 0},
        {"CF-24: division by X = 2 does not", {ld_imm(9), ldx_imm(2), op(0x3c), kReturnA}, 4},
        {"CF-24: nor does the remainder", {ld_imm(9), ldx_imm(2), op(0x9c), kReturnA}, 1},
        {"CF-25: a shift left by X = 32 ends the program", {ld_imm(1), ldx_imm(32), op(0x6c), kReturn7}, 0},
        {"CF-25: a shift right by X = 2^32-1, too", {ld_imm(1), ldx_imm(0xffffffff), op(0x7c), kReturn7}, 0},
        {"CF-25: a shift by X = 31 does not", {ld_imm(3), ldx_imm(31), op(0x6c), kReturnA}, 0x80000000},
        {"CF-25: nor to the right", {ld_imm(0x80000000), ldx_imm(31), op(0x7c), kReturnA}, 1},
        {"CF-28: neg", {ld_imm(5), op(0x84), kReturnA}, 0xfffffffb},
        {"CF-28: neg of 2^31", {ld_imm(0x80000000), op(0x84), kReturnA}, 0x80000000},
        {"additions wrap", {ld_imm(0xffffffff), op(0x04, 3), kReturnA}, 2},
        {"products wrap", {ld_imm(0x10001), op(0x24, 0x10003), kReturnA}, 0x40003},
    };
    expect_results(table);
}

TEST(Interpret, comparisons) {
    const Instruction yes{0x06, 0, 0, 11};
    const Instruction no{0x06, 0, 0, 12};
    const auto jump = [](std::uint16_t code, std::uint32_t k = 0) { return Instruction{code, 0, 1, k}; };
    const RunCase table[] = {
        {"CF-26: jgt is unsigned", {ld_imm(0x80000000), jump(0x25, 0x7fffffff), yes, no}, 11},
        {"CF-26: jgt of equals", {ld_imm(5), jump(0x25, 5), yes, no}, 12},
        {"CF-26: jge of equals", {ld_imm(5), jump(0x35, 5), yes, no}, 11},
        {"CF-26: jge is unsigned", {ld_imm(0xfffffffe), jump(0x35, 0xffffffff), yes, no}, 12},
        {"CF-26: jset of one common bit", {ld_imm(0x80000001), jump(0x45, 0x80000000), yes, no}, 11},
        {"CF-26: jset of no bit", {ld_imm(0xffffffff), jump(0x45, 0), yes, no}, 12},
        {"CF-26: jeq x compares with X and ignores k", {ld_imm(7), ldx_imm(8), jump(0x1d, 7), yes, no}, 12},
        {"CF-26: jgt x ignores k", {ld_imm(7), ldx_imm(6), jump(0x2d, 99), yes, no}, 11},
        {"CF-26: jge x is unsigned", {ld_imm(0), ldx_imm(0xffffffff), jump(0x3d, 0), yes, no}, 12},
        {"CF-26: jset x ignores k", {ld_imm(6), ldx_imm(1), jump(0x4d, 6), yes, no}, 12},
        {"a load that is followed by jeq, equal", {op(0x28, 2), jump(0x15, 0xbeef), yes, no}, 11},
        {"a load that is followed by jeq, unequal", {op(0x28, 2), jump(0x15, 0xbeee), yes, no}, 12},
        {"a jump into the jeq behind a load", {op(0x05, 1), op(0x28, 2), jump(0x15, 0), yes, no}, 11},
        {"ret a at once: A starts as 0", {kReturnA}, 0},
        {"txa at once: X starts as 0", {ld_imm(9), op(0x87), kReturnA}, 0},
    };
    expect_results(table);
}

/// Native code keeps bytes that it has matched in a register; what it holds where ways meet, or X has changed, differs.
TEST(Interpret, bytes_that_are_tested_again_on_another_way) {
    const auto jeq = [](std::uint32_t k, std::uint8_t jt, std::uint8_t jf) { return Instruction{0x15, jt, jf, k}; };
    const Instruction yes{0x06, 0, 0, 11};
    const Instruction no{0x06, 0, 0, 12};
    const RunCase table[] = {
        {"[1] was tested last on one way, [2] on the other, which runs",
         {op(0x30), jeq(0x46, 0, 2), op(0x30, 1), jeq(1, 5, 2), op(0x30, 2), jeq(1, 3, 0), op(0x30, 1), jeq(0xad, 0, 1),
          yes, no},
         11},
        {"the same with the ways exchanged",
         {op(0x30), jeq(0x45, 0, 2), op(0x30, 2), jeq(1, 5, 2), op(0x30, 1), jeq(1, 3, 0), op(0x30, 1), jeq(0xad, 0, 1),
          yes, no},
         11},
        {"eight bytes that are all equal",
         {op(0x20), jeq(0x45adbeef, 0, 3), op(0x20, 4), jeq(0x80000001, 0, 1), yes, op(0x06)},
         11},
        {"eight bytes, the last of them differs",
         {op(0x20), jeq(0x45adbeef, 0, 3), op(0x20, 4), jeq(0x80000002, 0, 1), yes, op(0x06)},
         0},
        {"eight bytes, the first of them differs",
         {op(0x20), jeq(0x46adbeef, 0, 3), op(0x20, 4), jeq(0x80000001, 0, 1), yes, op(0x06)},
         0},
        {"eight bytes, of which one does not matter, differ in the last",
         {op(0x20), jeq(0x45adbeef, 0, 4), op(0x20, 4), op(0x54, 0xff00ffff), jeq(0x80000002, 0, 1), yes, op(0x06)},
         0},
        {"[x+1], and X is another then",
         {op(0xb1, 4), op(0x50, 1), jeq(1, 2, 0), op(0x30, 7), op(0x07), op(0x50, 1), jeq(0xbe, 0, 1), yes, no},
         11},
    };
    expect_results(table);
}

TEST(Interpret, agrees_with_the_reference_machine_on_random_programs_and_packets) {
    tests::RandomProgram random(1, {});
    std::size_t nonzero = 0;
    for (int round = 0; round < 1000; ++round) {
        const std::vector<Instruction> code = random.program(random.below(40));
        const auto program = Program::verify(code);
        ASSERT_TRUE(program) << "round " << round << ": " << program.error().message();
        const tests::Runnable runnable(*program);
        for (int packets = 0; packets < 3; ++packets) {
            const std::vector<std::uint8_t> bytes = random.packet(100);
            const std::uint32_t wire_length = random.below(2000);
            const std::uint32_t expected = tests::reference_run(code, bytes, wire_length);
            nonzero += expected != 0 ? 1 : 0;
            for (const tests::Backend& backend : tests::kBackends) {
                ASSERT_EQ(backend.run(runnable, bytes, wire_length), expected) << "round " << round << backend.name;
            }
        }
    }
    EXPECT_GT(nonzero, 750U) << "most random programs end early: they no longer test much";
}

} // namespace
} // namespace pfild::cbpf
