// SPDX-License-Identifier: BSD-2-Clause
// Lowering the longest classic programs.
#include "cbpf/lower/lower.h"

#include <gtest/gtest.h>

#include "cbpf/program.h"
#include "ebpf/assembler.h"

namespace pfild::cbpf {
namespace {

TEST(Lower, the_longest_programs_fit) {
    std::vector<Instruction> code(kMaxInstructions - 1, {info(Opcode::kLdInd).code, 0, 0, 1});
    for (std::size_t index = 0; index + 1 < code.size(); index += 2) {
        code[index] = {info(Opcode::kTax).code, 0, 0, 0};
    }
    code.push_back({info(Opcode::kRetA).code, 0, 0, 0});
    const auto program = Program::verify(code);
    ASSERT_TRUE(program);
    for (const ebpf::Place place : {ebpf::Place::kXdp, ebpf::Place::kTc}) {
        const auto lowered = lower(*program, place);
        ASSERT_TRUE(lowered) << lowered.error().message;
        EXPECT_LT(lowered->size(), ebpf::kMaxInstructions / 2);
    }
}

} // namespace
} // namespace pfild::cbpf
