// SPDX-License-Identifier: BSD-2-Clause
// Classic BPF as text, to be read and written: the three forms of tcpdump. One instruction alone: mnemonic.h.
//
//    listing, -d                                    C, -dd                        decimal, -ddd
//
//    (000) ldh      [12]                            { 0x28, 0, 0, 0x0000000c },   4
//    (001) jeq      #0x800           jt 2    jf 3   { 0x15, 0, 1, 0x00000800 },   40 0 0 12
//    (002) ret      #262144                         { 0x6, 0, 0, 0x00040000 },    21 0 1 2048
//    (003) ret      #0                              { 0x6, 0, 0, 0x00000000 },    6 0 0 262144
//                                                                                 6 0 0 0
//
// Printing is byte for byte what tcpdump prints, and parsing gives the same instructions back, whatever they are. A
// listing has no place for fields that an opcode does not use: they come back as 0. What is no opcode stands in it as
// its four fields, `(007) { 0x27, 1, 255, 0x00000007 }`, and the one opcode that tcpdump does not know as `ldx
// #pktlen`.
//
// Blank lines and comments count for nothing: from # to the end of the line, but in listings, where # begins a
// constant, from ; on. Parsing says nothing about validity, that is for Program::verify(); assemble() does both.
// Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "cbpf/instruction.h"
#include "cbpf/program.h"
#include "cbpf/text/parsed.h"

namespace pfild::cbpf {

enum class TextForm : std::uint8_t { kListing, kC, kDecimal };
inline constexpr std::array<std::string_view, 3> kTextFormNames{"listing", "c", "decimal"};
static_assert(static_cast<std::size_t>(TextForm::kDecimal) + 1 == kTextFormNames.size());

/// The instructions of a text in any of the three forms, which its first character tells apart: a digit, a brace, or
/// anything else for a listing. A listing need not number its instructions, but if it does the numbers must be right.
/// It may also have instructions as mnemonic() writes them, with jumps that count what they skip.
[[nodiscard]] tl::expected<ParsedText, TextError> parse(std::string_view text);

/// Only the decimal form. Refuses numbers out of range and any count of instructions but the one announced.
[[nodiscard]] tl::expected<std::vector<Instruction>, TextError> parse_decimal(std::string_view text);

/// parse() and Program::verify(): a program, or what is wrong at which line with which instruction by which rule.
[[nodiscard]] tl::expected<Program, TextError> assemble(std::string_view text);

/// The program in that form. parse() gives the same instructions back (for a listing, see above), but for a listing and
/// a C text of none.
[[nodiscard]] std::string print(std::span<const Instruction> instructions, TextForm form);

/// print() in the decimal form.
[[nodiscard]] std::string print_decimal(std::span<const Instruction> instructions);

/// A line of a listing, without its newline; the jumps name the instructions they lead to. => number is the index.
[[nodiscard]] std::string listing_line(const Instruction& instruction, std::size_t number);

} // namespace pfild::cbpf
