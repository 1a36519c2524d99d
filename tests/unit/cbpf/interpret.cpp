// SPDX-License-Identifier: BSD-2-Clause
// What a run yields, rule by rule, on every back end; and random programs against the reference machine.
#include <gtest/gtest.h>

#include "tests/oracle/random_program.h"
#include "tests/oracle/reference.h"
#include "tests/unit/cbpf/backends.h"

namespace pfild::cbpf {
namespace {

struct Case {
    const char* what;
    std::vector<Instruction> code;
    std::uint32_t result;
};

constexpr Instruction kRetA{0x16, 0, 0, 0};
constexpr Instruction kRet7{0x06, 0, 0, 7};
constexpr Instruction ld(std::uint32_t k) { return {0x00, 0, 0, k}; }
constexpr Instruction ldx(std::uint32_t k) { return {0x01, 0, 0, k}; }
constexpr Instruction op(std::uint16_t code, std::uint32_t k = 0) { return {code, 0, 0, k}; }

/// The packet of every case below: 8 bytes of 100.
const std::vector<std::uint8_t> kPacket{0x45, 0xad, 0xbe, 0xef, 0x80, 0x00, 0x00, 0x01};
constexpr std::uint32_t kWireLength = 100;

void expect_all(std::span<const Case> table) {
    for (const Case& row : table) {
        const auto program = Program::verify(row.code);
        ASSERT_TRUE(program) << row.what << ": " << program.error().message();
        for (const tests::Backend& backend : tests::kBackends) {
            EXPECT_EQ(backend.run(*program, kPacket, kWireLength), row.result) << row.what << ", " << backend.name;
        }
    }
}

TEST(Interpret, loads) {
    const Case table[] = {
        {"CF-20: the last word", {op(0x20, 4), kRetA}, 0x80000001},
        {"CF-20: a word that ends one byte outside", {op(0x20, 5), kRet7}, 0},
        {"CF-20: the last half-word", {op(0x28, 6), kRetA}, 1},
        {"CF-20: a half-word that ends one byte outside", {op(0x28, 7), kRet7}, 0},
        {"CF-20: the last byte", {op(0x30, 7), kRetA}, 1},
        {"CF-20: the byte behind it", {op(0x30, 8), kRet7}, 0},
        {"CF-20: an indexed word, unaligned", {ldx(1), op(0x40, 0), kRetA}, 0xadbeef80},
        {"CF-20: an indexed half-word outside", {ldx(4), op(0x48, 3), kRet7}, 0},
        {"CF-21: len is the wire length", {op(0x80), kRetA}, kWireLength},
        {"CF-21: len of X, too", {op(0x81), op(0x87), kRetA}, kWireLength},
        {"CF-21: but loads end where the captured bytes end", {op(0x30, 50), kRet7}, 0},
        {"CF-22: X+k = 2^32 does not wrap to 0", {ldx(0xffffffff), op(0x50, 1), kRet7}, 0},
        {"CF-22: nor does it with the roles exchanged", {ldx(1), op(0x50, 0xffffffff), kRet7}, 0},
        {"CF-22: a half-word over the wrap", {ldx(0xffffffff), op(0x48, 0), kRet7}, 0},
        {"CF-22: a word over the wrap", {op(0x20, 0xfffffffe), kRet7}, 0},
        {"CF-23: offset 2^31", {op(0x30, 0x80000000), kRet7}, 0},
        {"CF-23: what Linux takes as an ancillary load", {op(0x30, 0xfffff000), kRet7}, 0},
        {"CF-23: what Linux takes as the network header", {ldx(0xfff00000), op(0x50, 0), kRet7}, 0},
        {"CF-27: msh yields four times the low nibble", {op(0xb1, 0), op(0x87), kRetA}, 20},
        {"CF-27: msh drops the high nibble", {op(0xb1, 3), op(0x87), kRetA}, 60},
        {"CF-27: msh leaves A alone", {ld(5), op(0xb1, 0), kRetA}, 5},
        {"CF-27: msh outside", {op(0xb1, 8), kRet7}, 0},
    };
    expect_all(table);
}

TEST(Interpret, arithmetic) {
    const Case table[] = {
        {"CF-24: division by X = 0 ends the program", {ld(9), ldx(0), op(0x3c, 5), kRet7}, 0},
        {"CF-24: so does the remainder", {ld(9), ldx(0), op(0x9c, 5), kRet7}, 0},
        {"CF-24: division by X = 2 does not", {ld(9), ldx(2), op(0x3c), kRetA}, 4},
        {"CF-24: nor does the remainder", {ld(9), ldx(2), op(0x9c), kRetA}, 1},
        {"CF-25: a shift left by X = 32 ends the program", {ld(1), ldx(32), op(0x6c), kRet7}, 0},
        {"CF-25: a shift right by X = 2^32-1, too", {ld(1), ldx(0xffffffff), op(0x7c), kRet7}, 0},
        {"CF-25: a shift by X = 31 does not", {ld(3), ldx(31), op(0x6c), kRetA}, 0x80000000},
        {"CF-25: nor to the right", {ld(0x80000000), ldx(31), op(0x7c), kRetA}, 1},
        {"CF-28: neg", {ld(5), op(0x84), kRetA}, 0xfffffffb},
        {"CF-28: neg of 2^31", {ld(0x80000000), op(0x84), kRetA}, 0x80000000},
        {"additions wrap", {ld(0xffffffff), op(0x04, 3), kRetA}, 2},
        {"products wrap", {ld(0x10001), op(0x24, 0x10003), kRetA}, 0x40003},
    };
    expect_all(table);
}

TEST(Interpret, comparisons) {
    const Instruction yes{0x06, 0, 0, 11};
    const Instruction no{0x06, 0, 0, 12};
    const auto jump = [](std::uint16_t code, std::uint32_t k = 0) { return Instruction{code, 0, 1, k}; };
    const Case table[] = {
        {"CF-26: jgt is unsigned", {ld(0x80000000), jump(0x25, 0x7fffffff), yes, no}, 11},
        {"CF-26: jgt of equals", {ld(5), jump(0x25, 5), yes, no}, 12},
        {"CF-26: jge of equals", {ld(5), jump(0x35, 5), yes, no}, 11},
        {"CF-26: jge is unsigned", {ld(0xfffffffe), jump(0x35, 0xffffffff), yes, no}, 12},
        {"CF-26: jset of one common bit", {ld(0x80000001), jump(0x45, 0x80000000), yes, no}, 11},
        {"CF-26: jset of no bit", {ld(0xffffffff), jump(0x45, 0), yes, no}, 12},
        {"CF-26: jeq x compares with X and ignores k", {ld(7), ldx(8), jump(0x1d, 7), yes, no}, 12},
        {"CF-26: jgt x ignores k", {ld(7), ldx(6), jump(0x2d, 99), yes, no}, 11},
        {"CF-26: jge x is unsigned", {ld(0), ldx(0xffffffff), jump(0x3d, 0), yes, no}, 12},
        {"CF-26: jset x ignores k", {ld(6), ldx(1), jump(0x4d, 6), yes, no}, 12},
        {"a load that is followed by jeq, equal", {op(0x28, 2), jump(0x15, 0xbeef), yes, no}, 11},
        {"a load that is followed by jeq, unequal", {op(0x28, 2), jump(0x15, 0xbeee), yes, no}, 12},
        {"a jump into the jeq behind a load", {op(0x05, 1), op(0x28, 2), jump(0x15, 0), yes, no}, 11},
        {"ret a at once: A starts as 0", {kRetA}, 0},
        {"txa at once: X starts as 0", {ld(9), op(0x87), kRetA}, 0},
    };
    expect_all(table);
}

TEST(Interpret, agrees_with_the_reference_machine_on_random_programs_and_packets) {
    tests::RandomProgram random(1, {});
    std::size_t nonzero = 0;
    for (int round = 0; round < 4000; ++round) {
        const std::vector<Instruction> code = random.program(random.below(40));
        const auto program = Program::verify(code);
        ASSERT_TRUE(program) << "round " << round << ": " << program.error().message();
        for (int packets = 0; packets < 3; ++packets) {
            const std::vector<std::uint8_t> bytes = random.packet(100);
            const std::uint32_t wire_length = random.below(2000);
            const std::uint32_t expected = tests::reference_run(code, bytes, wire_length);
            nonzero += expected != 0 ? 1 : 0;
            for (const tests::Backend& backend : tests::kBackends) {
                ASSERT_EQ(backend.run(*program, bytes, wire_length), expected) << "round " << round << backend.name;
            }
        }
    }
    EXPECT_GT(nonzero, 3000U) << "most random programs end early: they no longer test much";
}

} // namespace
} // namespace pfild::cbpf
