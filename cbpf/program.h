// SPDX-License-Identifier: BSD-2-Clause
// A verified classic BPF program, and why a program was refused.
//
// Program::verify() is the only way to a Program, so whoever holds one holds these facts and need not check them again:
// every instruction that can be reached is one of the 49, every path ends in a return, jumps go forward and stay
// inside, M is indexed below 16 and never read before it was written on that path, no constant divisor is 0 and no
// constant shift is 32 or more. Instructions that cannot be reached are not looked at (CF-07): they may hold anything.
// Forward jumps and at most 512 instructions also mean that a run ends after at most 512 steps.
//
// A Program is a value: immutable once made, safe to read from any number of threads, owned by whoever holds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "cbpf/instruction.h"

namespace pfild::cbpf {

/// The rules that a program can break (contract 3.3).
enum class Rule : std::uint8_t {
    kLength,      ///< CF-01: 1 to 512 instructions
    kOpcode,      ///< CF-02: one of the 49
    kEnd,         ///< CF-05: no path runs past the last instruction
    kJump,        ///< CF-06: jumps stay inside
    kMemoryIndex, ///< CF-08: M[0] to M[15]
    kMemoryUnset, ///< CF-09: M is written before it is read, on every path
    kDivisor,     ///< CF-11: no division or remainder by the constant 0
    kShift,       ///< CF-12: no shift by a constant of 32 or more
};
inline constexpr std::size_t kRuleCount = 8;

/// The contract's id of a rule: "CF-11".
[[nodiscard]] std::string_view contract_id(Rule rule) noexcept;

/// The first instruction, in program order, that breaks a rule.
struct Rejection {
    std::size_t index;       ///< of the instruction; for Rule::kLength the length of the program instead
    Instruction instruction; ///< the instruction itself; zero for Rule::kLength
    Rule rule;

    /// One line: `instruction 3 (div #0, 0x34): division by the constant 0 (CF-11)`.
    [[nodiscard]] std::string message() const;

    bool operator==(const Rejection&) const = default;
};

/// An instruction as the interpreter runs it: the code replaced by its dense number, everything else as it was.
/// Instructions that cannot be reached become `ret #0`, so that every Step is a valid one.
struct Step {
    Opcode opcode;
    std::uint8_t jt;
    std::uint8_t jf;
    std::uint32_t k;
};
static_assert(sizeof(Step) == 8);

class Program {
  public:
    /// Accepts a program or says which rule its first faulty instruction breaks. One pass, exact over reachable paths
    /// (CF-01 to CF-14). Copies the instructions. A longer one than kMaxInstructions is for those alone who make it
    /// shorter (cbpf/reduce); it never runs.
    [[nodiscard]] static tl::expected<Program, Rejection> verify(std::span<const Instruction> instructions,
                                                                 std::size_t longest = kMaxInstructions);

    /// The program as it was given, unreachable instructions included. Never empty.
    [[nodiscard]] std::span<const Instruction> instructions() const noexcept { return instructions_; }

    /// The same program decoded: as many steps as instructions, at the same indexes.
    [[nodiscard]] std::span<const Step> steps() const noexcept { return steps_; }

  private:
    Program(std::vector<Instruction> instructions, std::vector<Step> steps) noexcept;

    std::vector<Instruction> instructions_;
    std::vector<Step> steps_;
};

} // namespace pfild::cbpf
