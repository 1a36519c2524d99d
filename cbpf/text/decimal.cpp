// SPDX-License-Identifier: BSD-2-Clause
// The decimal form and the C form: four numbers an instruction.
#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>

#include "cbpf/text.h"
#include "cbpf/text/forms.h"
#include "cbpf/text/scanner.h"

namespace pfild::cbpf {
namespace {

constexpr NumberField kCount{"the number of instructions", std::numeric_limits<std::uint32_t>::max()};
constexpr NumberField kCode{"code", std::numeric_limits<std::uint16_t>::max(), "CF-02"};
constexpr NumberField kJt{"jt", std::numeric_limits<std::uint8_t>::max(), "CF-06"};
constexpr NumberField kJf{"jf", std::numeric_limits<std::uint8_t>::max(), "CF-06"};
constexpr NumberField kK{"k", std::numeric_limits<std::uint32_t>::max()};

Instruction made_of(const std::array<std::uint32_t, 4>& values) {
    return {static_cast<std::uint16_t>(values[0]), static_cast<std::uint8_t>(values[1]),
            static_cast<std::uint8_t>(values[2]), values[3]};
}

tl::expected<Instruction, TextError> parse_numbers(Scanner& scanner, std::size_t number) {
    constexpr std::array<NumberField, 4> kFields{kCode, kJt, kJf, kK};
    std::array<std::uint32_t, kFields.size()> values{};
    scanner.within("instruction " + std::to_string(number));
    for (std::size_t i = 0; i < kFields.size(); ++i) {
        const tl::expected<std::uint32_t, TextError> value = scanner.number(kFields.at(i));
        if (!value) {
            return tl::make_unexpected(value.error());
        }
        values.at(i) = *value;
        if (i == 0) {
            scanner.within(subject_of(number, static_cast<std::uint16_t>(*value)));
        }
    }
    if (auto end = scanner.end_of("the four numbers of an instruction"); !end) {
        return tl::make_unexpected(std::move(end.error()));
    }
    return made_of(values);
}

} // namespace

std::string subject_of(std::size_t number, std::uint16_t code) {
    std::array<char, 8> hex{};
    (void)std::snprintf(hex.data(), hex.size(), "0x%02x", static_cast<unsigned>(code));
    const std::optional<Opcode> opcode = opcode_of(code);
    const std::string name = opcode ? std::string(info(*opcode).name) + ", " : "";
    return "instruction " + std::to_string(number) + " (" + name + hex.data() + ')';
}

tl::expected<ParsedText, TextError> parse_decimal_text(std::string_view text) {
    Scanner scanner(text, '#');
    if (!scanner.next_line()) {
        return scanner.fail("no instructions: the first line must say how many there are");
    }
    const tl::expected<std::uint32_t, TextError> count = scanner.number(kCount);
    if (!count) {
        return tl::make_unexpected(count.error());
    }
    if (auto end = scanner.end_of(kCount.name); !end) {
        return tl::make_unexpected(std::move(end.error()));
    }
    ParsedText parsed; // grows with the text, whatever the first line claims
    while (scanner.next_line()) {
        if (parsed.instructions.size() == *count) {
            return scanner.fail("more than the announced " + std::to_string(*count) + " instructions");
        }
        const tl::expected<Instruction, TextError> instruction = parse_numbers(scanner, parsed.instructions.size());
        if (!instruction) {
            return tl::make_unexpected(instruction.error());
        }
        parsed.instructions.push_back(*instruction);
        parsed.lines.push_back(scanner.line());
        scanner.within("");
    }
    if (parsed.instructions.size() < *count) {
        return scanner.fail("only " + std::to_string(parsed.instructions.size()) + " of the announced " +
                            std::to_string(*count) + " instructions");
    }
    return parsed;
}

tl::expected<Instruction, TextError> parse_fields_in_c(Scanner& scanner, std::size_t number) {
    constexpr std::array<NumberField, 4> kFields{kCode, kJt, kJf, kK};
    std::array<std::uint32_t, kFields.size()> values{};
    scanner.within("instruction " + std::to_string(number));
    for (std::size_t i = 0; i < kFields.size(); ++i) {
        if (auto taken = scanner.demand(i == 0 ? "{" : ","); !taken) {
            return tl::make_unexpected(std::move(taken.error()));
        }
        const tl::expected<std::uint32_t, TextError> value = scanner.constant(kFields.at(i));
        if (!value) {
            return tl::make_unexpected(value.error());
        }
        if (*value > kFields.at(i).largest) { // it was negative
            return scanner.fail(std::string(kFields.at(i).name) + " is negative");
        }
        values.at(i) = *value;
        if (i == 0) {
            scanner.within(subject_of(number, static_cast<std::uint16_t>(*value)));
        }
    }
    if (auto taken = scanner.demand("}"); !taken) {
        return tl::make_unexpected(std::move(taken.error()));
    }
    return made_of(values);
}

tl::expected<ParsedText, TextError> parse_c_text(std::string_view text) {
    Scanner scanner(text, '#');
    ParsedText parsed;
    while (scanner.next_line()) {
        const tl::expected<Instruction, TextError> instruction = parse_fields_in_c(scanner, parsed.instructions.size());
        if (!instruction) {
            return tl::make_unexpected(instruction.error());
        }
        (void)scanner.take(",");
        if (auto end = scanner.end_of("the four numbers of an instruction"); !end) {
            return tl::make_unexpected(std::move(end.error()));
        }
        parsed.instructions.push_back(*instruction);
        parsed.lines.push_back(scanner.line());
    }
    return parsed;
}

std::string fields_in_c(const Instruction& instruction) {
    std::array<char, 48> buffer{};
    (void)std::snprintf(buffer.data(), buffer.size(), "{ 0x%x, %u, %u, 0x%08x }", instruction.code, instruction.jt,
                        instruction.jf, instruction.k);
    return buffer.data();
}

std::string print_c(std::span<const Instruction> instructions) {
    std::string text;
    for (const Instruction& instruction : instructions) {
        text += fields_in_c(instruction) + ",\n";
    }
    return text;
}

std::string print_decimal(std::span<const Instruction> instructions) {
    std::string text = std::to_string(instructions.size()) + '\n';
    for (const Instruction& instruction : instructions) {
        text += std::to_string(instruction.code) + ' ' + std::to_string(instruction.jt) + ' ' +
                std::to_string(instruction.jf) + ' ' + std::to_string(instruction.k) + '\n';
    }
    return text;
}

} // namespace pfild::cbpf
