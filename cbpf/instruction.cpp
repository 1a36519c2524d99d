// SPDX-License-Identifier: BSD-2-Clause
// The table of the 49 opcodes and its inverse, both checked while compiling.
#include "cbpf/instruction.h"

#include <algorithm>

namespace pfild::cbpf {
namespace {

constexpr std::array<OpcodeInfo, kOpcodeCount> kTable{{
    {Opcode::kLd, 0x20, "ld", Operand::kAbsolute},     {Opcode::kLdh, 0x28, "ldh", Operand::kAbsolute},
    {Opcode::kLdb, 0x30, "ldb", Operand::kAbsolute},   {Opcode::kLdInd, 0x40, "ld", Operand::kIndexed},
    {Opcode::kLdhInd, 0x48, "ldh", Operand::kIndexed}, {Opcode::kLdbInd, 0x50, "ldb", Operand::kIndexed},
    {Opcode::kLdImm, 0x00, "ld", Operand::kConstant},  {Opcode::kLdMem, 0x60, "ld", Operand::kMemory},
    {Opcode::kLdLen, 0x80, "ld", Operand::kLength},    {Opcode::kLdxImm, 0x01, "ldx", Operand::kConstant},
    {Opcode::kLdxMem, 0x61, "ldx", Operand::kMemory},  {Opcode::kLdxLen, 0x81, "ldx", Operand::kLength},
    {Opcode::kLdxMsh, 0xb1, "ldx", Operand::kHeader},  {Opcode::kSt, 0x02, "st", Operand::kMemory},
    {Opcode::kStx, 0x03, "stx", Operand::kMemory},     {Opcode::kAddK, 0x04, "add", Operand::kConstant},
    {Opcode::kAddX, 0x0c, "add", Operand::kX},         {Opcode::kSubK, 0x14, "sub", Operand::kConstant},
    {Opcode::kSubX, 0x1c, "sub", Operand::kX},         {Opcode::kMulK, 0x24, "mul", Operand::kConstant},
    {Opcode::kMulX, 0x2c, "mul", Operand::kX},         {Opcode::kDivK, 0x34, "div", Operand::kConstant},
    {Opcode::kDivX, 0x3c, "div", Operand::kX},         {Opcode::kOrK, 0x44, "or", Operand::kConstant},
    {Opcode::kOrX, 0x4c, "or", Operand::kX},           {Opcode::kAndK, 0x54, "and", Operand::kConstant},
    {Opcode::kAndX, 0x5c, "and", Operand::kX},         {Opcode::kLshK, 0x64, "lsh", Operand::kConstant},
    {Opcode::kLshX, 0x6c, "lsh", Operand::kX},         {Opcode::kRshK, 0x74, "rsh", Operand::kConstant},
    {Opcode::kRshX, 0x7c, "rsh", Operand::kX},         {Opcode::kNeg, 0x84, "neg", Operand::kNone},
    {Opcode::kModK, 0x94, "mod", Operand::kConstant},  {Opcode::kModX, 0x9c, "mod", Operand::kX},
    {Opcode::kXorK, 0xa4, "xor", Operand::kConstant},  {Opcode::kXorX, 0xac, "xor", Operand::kX},
    {Opcode::kJa, 0x05, "ja", Operand::kJump},         {Opcode::kJeqK, 0x15, "jeq", Operand::kBranch},
    {Opcode::kJeqX, 0x1d, "jeq", Operand::kBranchX},   {Opcode::kJgtK, 0x25, "jgt", Operand::kBranch},
    {Opcode::kJgtX, 0x2d, "jgt", Operand::kBranchX},   {Opcode::kJgeK, 0x35, "jge", Operand::kBranch},
    {Opcode::kJgeX, 0x3d, "jge", Operand::kBranchX},   {Opcode::kJsetK, 0x45, "jset", Operand::kBranch},
    {Opcode::kJsetX, 0x4d, "jset", Operand::kBranchX}, {Opcode::kRetK, 0x06, "ret", Operand::kConstant},
    {Opcode::kRetA, 0x16, "ret", Operand::kA},         {Opcode::kTax, 0x07, "tax", Operand::kNone},
    {Opcode::kTxa, 0x87, "txa", Operand::kNone},
}};

constexpr bool rows_are_in_the_order_of_the_enumeration() {
    for (std::size_t row = 0; row < kTable.size(); ++row) {
        if (static_cast<std::size_t>(kTable[row].opcode) != row || kTable[row].name.empty()) {
            return false;
        }
    }
    return static_cast<std::size_t>(Opcode::kTxa) + 1 == kTable.size();
}
static_assert(rows_are_in_the_order_of_the_enumeration());

constexpr std::uint8_t kNoOpcode = 0xff;

/// Row of kTable by code. Every code is below 256; what is above is no opcode.
constexpr std::array<std::uint8_t, 256> kRowByCode = [] {
    std::array<std::uint8_t, 256> rows{};
    rows.fill(kNoOpcode);
    for (std::size_t row = 0; row < kTable.size(); ++row) {
        rows.at(kTable[row].code) = static_cast<std::uint8_t>(row);
    }
    return rows;
}();
static_assert(std::count(kRowByCode.begin(), kRowByCode.end(), kNoOpcode) == 256 - kOpcodeCount, "a code occurs twice");

} // namespace

constinit const std::array<OpcodeInfo, kOpcodeCount> kOpcodes = kTable;

std::optional<Opcode> opcode_of(std::uint16_t code) noexcept {
    if (code >= kRowByCode.size() || kRowByCode[code] == kNoOpcode) {
        return std::nullopt;
    }
    return static_cast<Opcode>(kRowByCode[code]);
}

} // namespace pfild::cbpf
