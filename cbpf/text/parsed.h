// SPDX-License-Identifier: BSD-2-Clause
// What comes of reading a text: instructions with their lines, or where and why it was not understood.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cbpf/instruction.h"

namespace pfild::cbpf {

/// Where and why a text was not understood.
struct TextError {
    std::size_t line;   ///< from 1
    std::size_t column; ///< from 1, in bytes
    std::string why;

    /// One line: `line 3, column 7: instruction 1 (jeq, 0x15): jf is 256, the largest is 255 (CF-06)`.
    [[nodiscard]] std::string message() const {
        return "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + why;
    }
};

/// What a text says: the instructions, and the line of each, from 1.
struct ParsedText {
    std::vector<Instruction> instructions;
    std::vector<std::size_t> lines;
};

} // namespace pfild::cbpf
