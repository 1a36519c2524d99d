// SPDX-License-Identifier: BSD-2-Clause
// The three forms together, and the notation of one instruction.
#include "cbpf/text.h"

#include <array>
#include <cstdio>
#include <utility>

#include "cbpf/text/forms.h"
#include "cbpf/text/scanner.h"

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

std::string TextError::message() const {
    return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + why;
}

tl::expected<ParsedText, TextError> parse(std::string_view text) {
    Scanner scanner(text, '#');
    if (!scanner.next_line()) {
        return scanner.fail("there is no instruction in it");
    }
    const char first = scanner.next();
    if (first >= '0' && first <= '9') {
        return parse_decimal_text(text);
    }
    return first == '{' ? parse_c_text(text) : parse_listing(text);
}

tl::expected<std::vector<Instruction>, TextError> parse_decimal(std::string_view text) {
    return parse_decimal_text(text).map([](ParsedText&& parsed) { return std::move(parsed.instructions); });
}

tl::expected<Program, TextError> assemble(std::string_view text) {
    const tl::expected<ParsedText, TextError> parsed = parse(text);
    if (!parsed) {
        return tl::make_unexpected(parsed.error());
    }
    tl::expected<Program, Rejection> program = Program::verify(parsed->instructions);
    if (program) {
        return std::move(*program);
    }
    const Rejection& rejection = program.error();
    const std::vector<std::size_t>& lines = parsed->lines;
    const std::size_t line =
        rejection.rule == Rule::kLength ? (lines.empty() ? 1 : lines.back()) : lines[rejection.index];
    return tl::make_unexpected(TextError{line, 1, rejection.message()});
}

std::string print(std::span<const Instruction> instructions, TextForm form) {
    switch (form) {
    case TextForm::kListing:
        return print_listing(instructions);
    case TextForm::kC:
        return print_c(instructions);
    case TextForm::kDecimal:
        break;
    }
    return print_decimal(instructions);
}

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
