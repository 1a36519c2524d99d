// SPDX-License-Identifier: BSD-2-Clause
// What the kernel would refuse is not written: instructions that nothing leads to, jumps too far.
#include "ebpf/assembler.h"

#include <gtest/gtest.h>

namespace pfild::ebpf {
namespace {

constexpr std::uint8_t kMove64 = 0xb7;
constexpr std::uint8_t kJump = 0x05;
constexpr std::uint8_t kJumpIfEqual = 0x15;
constexpr std::uint8_t kExit = 0x95;

TEST(Assembler, jumps_reach_over_what_is_left) {
    Assembler out;
    const auto far = out.label();
    const auto near = out.label();
    out.jump_if(Width::k64, Register::k1, Condition::kEqual, 7, far);
    out.jump(near);
    out.set(Register::k0, 1); // nothing leads here
    out.set(Register::k0, 2);
    out.bind(near);
    out.set(Register::k0, 3);
    out.bind(far);
    out.exit();
    const auto code = out.finish();
    ASSERT_TRUE(code);
    ASSERT_EQ(code->size(), 4U);
    EXPECT_EQ((*code)[0], (make({kJumpIfEqual, 2, 7}, Register::k1, Register::k0)));
    EXPECT_EQ((*code)[1], (make({kJump, 0, 0}, Register::k0, Register::k0)));
    EXPECT_EQ((*code)[2], (make({kMove64, 0, 3}, Register::k0, Register::k0)));
    EXPECT_EQ((*code)[3], (make({kExit, 0, 0}, Register::k0, Register::k0)));
}

TEST(Assembler, a_number_of_64_bits_takes_two_instructions_that_stay_together) {
    Assembler out;
    out.set_wide(Register::k3, 0x1122334455667788);
    out.set_map(Register::k4, 5);
    out.exit();
    const auto code = out.finish();
    ASSERT_EQ(code->size(), 5U);
    EXPECT_EQ((*code)[0].number, 0x55667788);
    EXPECT_EQ((*code)[1].number, 0x11223344);
    EXPECT_EQ((*code)[2].number, 5);
}

TEST(Assembler, writes_nothing_that_is_longer_than_a_jump_reaches) {
    Assembler out;
    while (out.size() + 1 < kMaxInstructions) {
        out.set(Register::k0, 0);
    }
    out.exit();
    EXPECT_TRUE(out.finish());
    Assembler longer;
    while (longer.size() < kMaxInstructions) {
        longer.set(Register::k0, 0);
    }
    longer.exit();
    EXPECT_FALSE(longer.finish());
}

} // namespace
} // namespace pfild::ebpf
