// SPDX-License-Identifier: BSD-2-Clause
// The decimal form, read by a cursor that knows its line and column, and the notation of one instruction.
#include "cbpf/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <utility>

namespace pfild::cbpf {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }
constexpr bool is_printable(char c) noexcept { return c > ' ' && c <= '~'; }

/// A number's name in messages and the largest value it may have.
struct NumberField {
    std::string_view name;
    std::uint32_t largest;
};

constexpr NumberField kCount{"the number of instructions", std::numeric_limits<std::uint32_t>::max()};
constexpr std::array<NumberField, 4> kFields{{
    {"code", std::numeric_limits<std::uint16_t>::max()},
    {"jt", std::numeric_limits<std::uint8_t>::max()},
    {"jf", std::numeric_limits<std::uint8_t>::max()},
    {"k", std::numeric_limits<std::uint32_t>::max()},
}};

/// Reads numbers from left to right. A comment is skipped wherever blanks are.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}

    [[nodiscard]] tl::unexpected<TextError> fail(std::string why) const {
        return tl::make_unexpected(TextError{line_, at_ - line_start_ + 1, std::move(why)});
    }

    /// Moves to the next line that says something; false at the end of the text.
    bool next_line() {
        for (skip_blanks(); at_ < text_.size() && text_[at_] == '\n'; skip_blanks()) {
            line_start_ = ++at_;
            ++line_;
        }
        return at_ < text_.size();
    }

    /// One decimal number of the current line.
    tl::expected<std::uint32_t, TextError> number(const NumberField& field) {
        skip_blanks();
        if (at_line_end()) {
            return fail("the line ends before " + std::string(field.name));
        }
        if (!is_digit(text_[at_])) {
            return fail(shown(text_[at_]) + " in place of " + std::string(field.name));
        }
        std::size_t end = at_;
        while (end < text_.size() && is_digit(text_[end])) {
            ++end;
        }
        const std::string_view digits = text_.substr(at_, end - at_);
        std::uint32_t value = 0;
        const auto [last, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (problem != std::errc{} || value > field.largest) {
            return fail(std::string(field.name) + " is " + shortened(digits) + ", the largest is " +
                        std::to_string(field.largest));
        }
        if (end < text_.size() && !is_blank(text_[end]) && text_[end] != '\n' && text_[end] != '#') {
            at_ = end;
            return fail(shown(text_[at_]) + " in " + std::string(field.name));
        }
        at_ = end;
        return value;
    }

    /// Nothing may be left on the current line.
    [[nodiscard]] std::optional<tl::unexpected<TextError>> excess(std::string_view wanted) {
        skip_blanks();
        if (at_line_end()) {
            return std::nullopt;
        }
        return fail(shown(text_[at_]) + " after " + std::string(wanted));
    }

  private:
    void skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) {
            ++at_;
        }
        if (at_ < text_.size() && text_[at_] == '#') {
            at_ = std::min(text_.find('\n', at_), text_.size());
        }
    }

    [[nodiscard]] bool at_line_end() const { return at_ == text_.size() || text_[at_] == '\n'; }

    /// A foreign byte, fit for a terminal.
    static std::string shown(char c) {
        if (is_printable(c)) {
            return {'\'', c, '\''};
        }
        return "byte " + std::to_string(static_cast<unsigned char>(c));
    }

    /// The digits of a number that is too large, without flooding the terminal.
    static std::string shortened(std::string_view digits) {
        constexpr std::size_t kEnough = 20;
        return digits.size() <= kEnough ? std::string(digits) : std::string(digits.substr(0, kEnough)) + "...";
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    std::size_t line_start_ = 0;
};

tl::expected<Instruction, TextError> parse_instruction(Cursor& cursor) {
    std::array<std::uint32_t, kFields.size()> values{};
    for (std::size_t i = 0; i < kFields.size(); ++i) {
        const tl::expected<std::uint32_t, TextError> value = cursor.number(kFields[i]);
        if (!value) {
            return tl::make_unexpected(value.error());
        }
        values[i] = *value;
    }
    if (auto error = cursor.excess("the four numbers of an instruction")) {
        return *std::move(error);
    }
    return Instruction{static_cast<std::uint16_t>(values[0]), static_cast<std::uint8_t>(values[1]),
                       static_cast<std::uint8_t>(values[2]), values[3]};
}

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

tl::expected<std::vector<Instruction>, TextError> parse_decimal(std::string_view text) {
    Cursor cursor(text);
    if (!cursor.next_line()) {
        return cursor.fail("no instructions: the first line must say how many there are");
    }
    const tl::expected<std::uint32_t, TextError> count = cursor.number(kCount);
    if (!count) {
        return tl::make_unexpected(count.error());
    }
    if (auto error = cursor.excess(kCount.name)) {
        return *std::move(error);
    }
    std::vector<Instruction> instructions; // grows with the text, whatever the first line claims
    while (cursor.next_line()) {
        if (instructions.size() == *count) {
            return cursor.fail("more than the announced " + std::to_string(*count) + " instructions");
        }
        const tl::expected<Instruction, TextError> instruction = parse_instruction(cursor);
        if (!instruction) {
            return tl::make_unexpected(instruction.error());
        }
        instructions.push_back(*instruction);
    }
    if (instructions.size() < *count) {
        return cursor.fail("only " + std::to_string(instructions.size()) + " of the announced " +
                           std::to_string(*count) + " instructions");
    }
    return instructions;
}

std::string print_decimal(std::span<const Instruction> instructions) {
    std::string text = std::to_string(instructions.size()) + '\n';
    for (const Instruction& instruction : instructions) {
        text += std::to_string(instruction.code) + ' ' + std::to_string(instruction.jt) + ' ' +
                std::to_string(instruction.jf) + ' ' + std::to_string(instruction.k) + '\n';
    }
    return text;
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
