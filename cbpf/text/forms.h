// SPDX-License-Identifier: BSD-2-Clause
// The readers and writers of each form, for text.cpp, which offers them together.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "cbpf/text/parsed.h"

namespace pfild::cbpf {

[[nodiscard]] tl::expected<ParsedText, TextError> parse_decimal_text(std::string_view text);
[[nodiscard]] tl::expected<ParsedText, TextError> parse_c_text(std::string_view text);
[[nodiscard]] tl::expected<ParsedText, TextError> parse_listing(std::string_view text);

[[nodiscard]] std::string print_c(std::span<const Instruction> instructions);
[[nodiscard]] std::string print_listing(std::span<const Instruction> instructions);

/// `{ 0x28, 0, 0, 0x0000000c }`
[[nodiscard]] std::string fields_in_c(const Instruction& instruction);

class Scanner;
/// The same, read; the number of the instruction is for errors.
[[nodiscard]] tl::expected<Instruction, TextError> parse_fields_in_c(Scanner& scanner, std::size_t number);

/// "instruction 3 (jeq, 0x15)": what errors are about.
[[nodiscard]] std::string subject_of(std::size_t number, std::uint16_t code);

/// What a listing calls a packet offset that only the Linux kernel gives a meaning: "ifidx". Nothing for all others.
[[nodiscard]] std::optional<std::string_view> ancillary_name(std::uint32_t offset);
[[nodiscard]] std::optional<std::uint32_t> ancillary_offset(std::string_view name);

/// Is the operand of an operation written in decimal, or in hexadecimal?
[[nodiscard]] bool is_decimal_constant(Opcode opcode);

} // namespace pfild::cbpf
