// SPDX-License-Identifier: BSD-2-Clause
// The opcode table.
#include "cbpf/instruction.h"

#include <gtest/gtest.h>

#include "tests/oracle/reference.h"

namespace pfild::cbpf {
namespace {

TEST(Opcodes, exactly_the_49_codes_of_the_contract_are_opcodes_CF_02) {
    std::size_t count = 0;
    for (std::uint32_t code = 0; code <= 0xffff; ++code) {
        const auto narrow = static_cast<std::uint16_t>(code);
        EXPECT_EQ(opcode_of(narrow).has_value(), tests::is_one_of_the_49(narrow)) << code;
        count += opcode_of(narrow) ? 1 : 0;
    }
    EXPECT_EQ(count, kOpcodeCount);
}

TEST(Opcodes, a_code_leads_to_its_own_row_and_back) {
    for (const OpcodeInfo& row : kOpcodes) {
        EXPECT_EQ(opcode_of(row.code), row.opcode) << row.name;
        EXPECT_EQ(&info(row.opcode), &row);
    }
}

} // namespace
} // namespace pfild::cbpf
