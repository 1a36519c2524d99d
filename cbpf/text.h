// SPDX-License-Identifier: BSD-2-Clause
// Classic BPF as text: the decimal form that `tcpdump -ddd` prints, and one instruction as bpf_asm writes it.
//
// The decimal form is a line with the number of instructions, then a line for each with its code, jt, jf and k, all
// decimal. Blank lines, and everything from a # to the end of its line, count for nothing:
//
//    4              # how many instructions follow
//    40 0 0 12      # ldh [12]
//    21 0 1 2048    # jeq #0x800,0,1
//    6 0 0 262144   # ret #0x40000
//    6 0 0 0        # ret #0
//
// Parsing says nothing about validity: what it yields is for Program::verify() to judge. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "cbpf/instruction.h"

namespace pfild::cbpf {

/// Where and why a text was not understood.
struct TextError {
    std::size_t line;   ///< from 1
    std::size_t column; ///< from 1, in bytes
    std::string why;

    /// One line: `line 3, column 7: jf is 256, the largest is 255`.
    [[nodiscard]] std::string message() const;
};

/// The instructions of a program in decimal form. Refuses numbers out of range and any count of instructions but the
/// one announced; never guesses.
[[nodiscard]] tl::expected<std::vector<Instruction>, TextError> parse_decimal(std::string_view text);

/// The decimal form, exactly as `tcpdump -ddd` prints it. parse_decimal() gives the same instructions back.
[[nodiscard]] std::string print_decimal(std::span<const Instruction> instructions);

/// One instruction in the notation of bpf_asm: `ldh [12]`, `jeq #0x800,0,3`, `ldx 4*([14]&0xf)`. Jumps count the
/// instructions to skip. A code that is no opcode is written as its four fields: `{0x0027,0,0,0}`.
[[nodiscard]] std::string mnemonic(const Instruction& instruction);

} // namespace pfild::cbpf
