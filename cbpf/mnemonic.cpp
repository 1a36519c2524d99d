// SPDX-License-Identifier: BSD-2-Clause
// See mnemonic.h.
#include "cbpf/mnemonic.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace pfild::cbpf {
namespace {

/// 0 to 9 as they are, larger constants in hexadecimal: they are masks, addresses and protocol numbers.
std::string constant(std::uint32_t value) {
    if (value < 10) {
        return std::to_string(value);
    }
    std::array<char, 16> buffer{};
    (void)std::snprintf(buffer.data(), buffer.size(), "0x%x", value);
    return buffer.data();
}

/// The operand as bpf_asm writes it: offsets, indexes and distances in decimal, constants in hexadecimal.
std::string operand_text(Operand operand, const Instruction& instruction) {
    const std::string k = std::to_string(instruction.k);
    const std::string targets = ',' + std::to_string(instruction.jt) + ',' + std::to_string(instruction.jf);
    switch (operand) {
    case Operand::kNone:
        return "";
    case Operand::kConstant:
        return '#' + constant(instruction.k);
    case Operand::kAbsolute:
        return '[' + k + ']';
    case Operand::kIndexed:
        return "[x+" + k + ']';
    case Operand::kMemory:
        return "M[" + k + ']';
    case Operand::kLength:
        return "len";
    case Operand::kHeader:
        return "4*([" + k + "]&0xf)";
    case Operand::kX:
        return "x";
    case Operand::kA:
        return "a";
    case Operand::kJump:
        return '+' + k;
    case Operand::kBranch:
        return '#' + constant(instruction.k) + targets;
    case Operand::kBranchX:
        return 'x' + targets;
    }
    return "";
}

} // namespace

std::string mnemonic(const Instruction& instruction) {
    const std::optional<Opcode> opcode = opcode_of(instruction.code);
    if (!opcode) {
        std::array<char, 48> buffer{};
        (void)std::snprintf(buffer.data(), buffer.size(), "{0x%04x,%u,%u,%s}", instruction.code, instruction.jt,
                            instruction.jf, constant(instruction.k).c_str());
        return buffer.data();
    }
    const OpcodeInfo& row = info(*opcode);
    std::string text(row.name);
    if (row.operand != Operand::kNone) {
        text.append(" ").append(operand_text(row.operand, instruction));
    }
    return text;
}

} // namespace pfild::cbpf
