// SPDX-License-Identifier: BSD-2-Clause
// The instructions that calculate a term, and what the registers hold between them.
//
//     ldx 4*([14]&0xf)      X = 4 * ([14:1] & 15)
//     ldh [x + 16]          A = the two bytes at X + 16
//
// Who has one of these in a register already can come in behind the instructions that would calculate it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "cbpf/analysis/questions.h"
#include "cbpf/analysis/terms.h"
#include "cbpf/instruction.h"

namespace pfild::cbpf::reduce {

/// No term: nobody knows what the register holds.
inline constexpr TermId kUnknown = std::numeric_limits<TermId>::max();

/// What A and X hold.
struct Held {
    TermId a = kUnknown;
    TermId x = kUnknown;

    bool operator==(const Held&) const = default;
};

struct Operation {
    Opcode opcode;
    std::uint32_t k;
    Held after;
};

/// How a calculation ends.
enum class Ending : std::uint8_t {
    kJump,    ///< a conditional jump by `jump` and `k`
    kGoOn,    ///< nothing: that the instructions did not end the run was the question
    kReturnA, ///< ret a
    kReturnK, ///< ret #k
};

struct Calculation {
    std::vector<Operation> operations;
    Ending ending = Ending::kJump;
    Opcode jump = Opcode::kJeqK;
    std::uint32_t k = 0;
    bool exchanged = false; ///< the jump is taken where the question's answer is no

    /// May a run that holds this come in before the operation of that number; at their end, before the ending?
    [[nodiscard]] bool admits(std::size_t before, const Held& held) const;
    /// The last of those places.
    [[nodiscard]] std::size_t entrance(const Held& held) const;
    /// What is held behind the ending by a run that came in there.
    [[nodiscard]] Held behind(std::size_t entrance, const Held& held) const;
};

/// The instructions that ask a question, or give an answer; nothing if 16 words of memory are not enough for that or
/// it would be more than 512.
[[nodiscard]] std::optional<Calculation> calculation_of(const Question& question, Terms& terms);

} // namespace pfild::cbpf::reduce
