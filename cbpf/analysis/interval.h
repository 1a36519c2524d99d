// SPDX-License-Identifier: BSD-2-Clause
// The numbers that a register can hold: from low to high, and perhaps not all of those.
//
// Every operation yields an interval that holds each result of each pair of operands, and may hold more. Pure values.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "cbpf/instruction.h"

namespace pfild::cbpf {

/// Both ends included. => low <= high.
struct Interval {
    std::uint32_t low = 0;
    std::uint32_t high = std::numeric_limits<std::uint32_t>::max();

    [[nodiscard]] static constexpr Interval only(std::uint32_t value) noexcept { return {value, value}; }
    [[nodiscard]] constexpr bool is_constant() const noexcept { return low == high; }
    [[nodiscard]] constexpr bool holds(std::uint32_t value) const noexcept { return low <= value && value <= high; }
    [[nodiscard]] constexpr bool holds(Interval other) const noexcept { return low <= other.low && other.high <= high; }
    bool operator==(const Interval&) const = default;
};

/// The smallest interval that holds both.
[[nodiscard]] Interval hull(Interval a, Interval b) noexcept;

/// What arithmetic yields where it does not end the program (CF-24, CF-25); nothing if it always ends it.
[[nodiscard]] std::optional<Interval> arithmetic(Opcode opcode, Interval a, Interval b) noexcept;

/// The values of X with which an operation goes on; with all others it ends the program (CF-24, CF-25).
[[nodiscard]] Interval operands_of(Opcode opcode) noexcept;

/// What is left of `a` where a conditional jump on it and `b` is taken, or is not; nothing if that cannot be.
[[nodiscard]] std::optional<Interval> where(Interval a, Opcode jump, Interval b, bool taken) noexcept;

} // namespace pfild::cbpf
