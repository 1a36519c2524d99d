// SPDX-License-Identifier: BSD-2-Clause
// The numbers that a variable can hold: a range that holds all of them, and perhaps more.
//
// Every answer is on the safe side: a range is never smaller than the truth. For operands that are known it is exact.
// Pure values.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "cbpf/jit/graph.h"

namespace pfild::cbpf::jit {

/// low to high, both included. => low <= high.
struct Range {
    std::uint32_t low = 0;
    std::uint32_t high = std::numeric_limits<std::uint32_t>::max();

    [[nodiscard]] static constexpr Range only(std::uint32_t value) noexcept { return {value, value}; }
    [[nodiscard]] constexpr std::optional<std::uint32_t> constant() const noexcept {
        return low == high ? std::optional(low) : std::nullopt;
    }
    bool operator==(const Range&) const = default;
};

/// The smallest range that holds both.
[[nodiscard]] Range hull(Range left, Range right) noexcept;

/// What is left of a range where it is known to lie from low to high; nothing if that cannot be.
[[nodiscard]] std::optional<Range> cut(Range range, std::uint32_t low, std::uint32_t high) noexcept;

/// The results of an operation. => a divisor's range has been cut to 1 and more, a shift's to 31 and less.
[[nodiscard]] Range calculate(Operation operation, Range left, Range right) noexcept;

/// What is left of `left` where the relation with `constant` holds, or where it does not; nothing if that cannot be.
[[nodiscard]] std::optional<Range> where(Range left, Relation relation, std::uint32_t constant, bool holds) noexcept;

} // namespace pfild::cbpf::jit
