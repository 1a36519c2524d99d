// SPDX-License-Identifier: BSD-2-Clause
// Writes listings: a line an instruction, columns as wide as tcpdump makes them.
//
//    (001) jeq      #0x800           jt 2	jf 3
//    |5    |9       |17              ends of jumps, a tab between; all other operands end the line
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "cbpf/text.h"
#include "cbpf/text/forms.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kAncillary = 0xfffff000; ///< where Linux keeps what no packet contains

/// By offset from kAncillary, a word each; tcpdump's names.
constexpr std::array<std::string_view, 16> kAncillaryNames{"proto", "type",   "ifidx",  "nla",      "nlan",  "mark",
                                                           "queue", "hatype", "rxhash", "cpu",      "xor_x", "vlan_tci",
                                                           "vlanp", "poff",   "random", "vlan_tpid"};

std::string decimal(std::uint32_t value) { return std::to_string(static_cast<std::int32_t>(value)); }

std::string hexadecimal(std::uint32_t value) {
    std::array<char, 16> buffer{};
    (void)std::snprintf(buffer.data(), buffer.size(), "0x%x", value);
    return buffer.data();
}

std::string written_operand(const OpcodeInfo& row, const Instruction& instruction, std::size_t number) {
    const std::uint32_t k = instruction.k;
    switch (row.operand) {
    case Operand::kConstant:
    case Operand::kBranch:
        return '#' + (is_decimal_constant(row.opcode) ? decimal(k) : hexadecimal(k));
    case Operand::kAbsolute: {
        const auto name = ancillary_name(k);
        return '[' + (name ? std::string(*name) : decimal(k)) + ']';
    }
    case Operand::kIndexed:
        return "[x + " + decimal(k) + ']';
    case Operand::kMemory:
        return "M[" + decimal(k) + ']';
    case Operand::kLength:
        return "#pktlen";
    case Operand::kHeader:
        return "4*([" + decimal(k) + "]&0xf)";
    case Operand::kX:
    case Operand::kBranchX:
        return "x";
    case Operand::kJump:
        return decimal(static_cast<std::uint32_t>(number) + 1 + k);
    case Operand::kNone:
    case Operand::kA:
        return "";
    }
    return "";
}

} // namespace

bool is_decimal_constant(Opcode opcode) {
    constexpr std::array<Opcode, 8> kDecimal{Opcode::kAddK, Opcode::kSubK, Opcode::kMulK, Opcode::kDivK,
                                             Opcode::kModK, Opcode::kLshK, Opcode::kRshK, Opcode::kRetK};
    return std::find(kDecimal.begin(), kDecimal.end(), opcode) != kDecimal.end();
}

std::optional<std::string_view> ancillary_name(std::uint32_t offset) {
    const std::uint32_t word = offset - kAncillary; // wraps for what lies before
    return word % 4 == 0 && word / 4 < kAncillaryNames.size() ? std::optional(kAncillaryNames.at(word / 4))
                                                              : std::nullopt;
}

std::optional<std::uint32_t> ancillary_offset(std::string_view name) {
    const auto* const found = std::find(kAncillaryNames.begin(), kAncillaryNames.end(), name);
    return found == kAncillaryNames.end()
               ? std::nullopt
               : std::optional(kAncillary + 4 * static_cast<std::uint32_t>(found - kAncillaryNames.begin()));
}

std::string listing_line(const Instruction& instruction, std::size_t number) {
    std::array<char, 96> buffer{};
    const std::optional<Opcode> opcode = opcode_of(instruction.code);
    if (!opcode) {
        (void)std::snprintf(buffer.data(), buffer.size(), "(%03zu) %s", number, fields_in_c(instruction).c_str());
        return buffer.data();
    }
    const OpcodeInfo& row = info(*opcode);
    const std::string name = row.opcode == Opcode::kLdxMsh ? "ldxb" : std::string(row.name);
    const std::string operand = written_operand(row, instruction, number);
    if (row.operand == Operand::kBranch || row.operand == Operand::kBranchX) {
        (void)std::snprintf(buffer.data(), buffer.size(), "(%03zu) %-8s %-16s jt %zu\tjf %zu", number, name.c_str(),
                            operand.c_str(), number + 1 + instruction.jt, number + 1 + instruction.jf);
    } else {
        (void)std::snprintf(buffer.data(), buffer.size(), "(%03zu) %-8s %s", number, name.c_str(), operand.c_str());
    }
    return buffer.data();
}

std::string print_listing(std::span<const Instruction> instructions) {
    std::string text;
    for (std::size_t number = 0; number < instructions.size(); ++number) {
        text += listing_line(instructions[number], number) + '\n';
    }
    return text;
}

} // namespace pfild::cbpf
