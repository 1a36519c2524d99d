// SPDX-License-Identifier: BSD-2-Clause
// See interval.h.
#include "cbpf/analysis/interval.h"

#include <algorithm>
#include <bit>

namespace pfild::cbpf {
namespace {

constexpr std::uint64_t kLargestNumber = std::numeric_limits<std::uint32_t>::max();

/// The interval, unless a number in it was too large for a register; then it has wrapped, and may be any.
Interval unless_wrapped(std::uint64_t low, std::uint64_t high) noexcept {
    return high <= kLargestNumber ? Interval{static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high)}
                                  : Interval{};
}

/// All bits up to the highest one that is set.
std::uint32_t filled(std::uint32_t value) noexcept {
    return value == 0 ? 0 : ~std::uint32_t{0} >> static_cast<unsigned>(std::countl_zero(value));
}

std::optional<Interval> divided(Opcode opcode, Interval a, Interval b) noexcept {
    if (b.high == 0) {
        return std::nullopt;
    }
    const std::uint32_t least = std::max<std::uint32_t>(b.low, 1);
    if (opcode == Opcode::kDivK || opcode == Opcode::kDivX) {
        return Interval{a.low / b.high, a.high / least};
    }
    if (a.is_constant() && b.is_constant()) {
        return Interval::only(a.low % b.low);
    }
    return Interval{0, std::min(a.high, b.high - 1)};
}

std::optional<Interval> shifted(Opcode opcode, Interval a, Interval b) noexcept {
    if (b.low >= kShiftLimit) {
        return std::nullopt;
    }
    const std::uint32_t most = std::min(b.high, kShiftLimit - 1);
    if (opcode == Opcode::kRshK || opcode == Opcode::kRshX) {
        return Interval{a.low >> most, a.high >> b.low};
    }
    if (a.is_constant() && b.is_constant()) {
        return Interval::only(a.low << b.low);
    }
    return unless_wrapped(std::uint64_t{a.low} << b.low, std::uint64_t{a.high} << most);
}

Interval negated(Interval a) noexcept {
    return a.low == 0 && a.high != 0 ? Interval{} : Interval{0U - a.high, 0U - a.low};
}

Interval bitwise(Opcode opcode, Interval a, Interval b) noexcept {
    const bool exact = a.is_constant() && b.is_constant();
    switch (opcode) {
    case Opcode::kAndK:
    case Opcode::kAndX:
        return exact ? Interval::only(a.low & b.low) : Interval{0, std::min(a.high, b.high)};
    case Opcode::kOrK:
    case Opcode::kOrX:
        return exact ? Interval::only(a.low | b.low) : Interval{std::max(a.low, b.low), filled(a.high | b.high)};
    default:
        return exact ? Interval::only(a.low ^ b.low) : Interval{0, filled(a.high | b.high)};
    }
}

/// What lies in both.
std::optional<Interval> common(Interval a, std::uint32_t low, std::uint32_t high) noexcept {
    const Interval both{std::max(a.low, low), std::min(a.high, high)};
    return both.low <= both.high ? std::optional(both) : std::nullopt;
}

/// => value is the end of an interval or inside; nothing if that was all.
std::optional<Interval> without(Interval a, std::uint32_t value) noexcept {
    if (a.is_constant()) {
        return a.low == value ? std::nullopt : std::optional(a);
    }
    if (a.low == value) {
        return Interval{a.low + 1, a.high};
    }
    return a.high == value ? Interval{a.low, a.high - 1} : a;
}

/// a > b, or a >= b, taken or not.
std::optional<Interval> where_larger(Interval a, Interval b, bool or_equal, bool taken) noexcept {
    constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();
    if (taken) { // a is above the least b
        return !or_equal && b.low == kMost ? std::nullopt : common(a, b.low + (or_equal ? 0 : 1), kMost);
    }
    return or_equal && b.high == 0 ? std::nullopt : common(a, 0, b.high - (or_equal ? 1 : 0));
}

} // namespace

Interval hull(Interval a, Interval b) noexcept { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }

std::optional<Interval> arithmetic(Opcode opcode, Interval a, Interval b) noexcept {
    switch (opcode) {
    case Opcode::kAddK:
    case Opcode::kAddX:
        return a.is_constant() && b.is_constant()
                   ? Interval::only(a.low + b.low)
                   : unless_wrapped(std::uint64_t{a.low} + b.low, std::uint64_t{a.high} + b.high);
    case Opcode::kSubK:
    case Opcode::kSubX:
        if (a.is_constant() && b.is_constant()) {
            return Interval::only(a.low - b.low);
        }
        return a.low >= b.high ? Interval{a.low - b.high, a.high - b.low} : Interval{};
    case Opcode::kMulK:
    case Opcode::kMulX:
        return a.is_constant() && b.is_constant()
                   ? Interval::only(a.low * b.low)
                   : unless_wrapped(std::uint64_t{a.low} * b.low, std::uint64_t{a.high} * b.high);
    case Opcode::kDivK:
    case Opcode::kDivX:
    case Opcode::kModK:
    case Opcode::kModX:
        return divided(opcode, a, b);
    case Opcode::kLshK:
    case Opcode::kLshX:
    case Opcode::kRshK:
    case Opcode::kRshX:
        return shifted(opcode, a, b);
    case Opcode::kNeg:
        return negated(a);
    default:
        return bitwise(opcode, a, b);
    }
}

Interval operands_of(Opcode opcode) noexcept {
    switch (opcode) {
    case Opcode::kDivX:
    case Opcode::kModX:
        return {1, std::numeric_limits<std::uint32_t>::max()};
    case Opcode::kLshX:
    case Opcode::kRshX:
        return {0, kShiftLimit - 1};
    default:
        return {};
    }
}

std::optional<Interval> where(Interval a, Opcode jump, Interval b, bool taken) noexcept {
    switch (jump) {
    case Opcode::kJeqK:
    case Opcode::kJeqX:
        if (taken) {
            return common(a, b.low, b.high);
        }
        return b.is_constant() ? without(a, b.low) : a;
    case Opcode::kJgtK:
    case Opcode::kJgtX:
        return where_larger(a, b, false, taken);
    case Opcode::kJgeK:
    case Opcode::kJgeX:
        return where_larger(a, b, true, taken);
    default: // jset
        if (a.is_constant() && b.is_constant()) {
            return ((a.low & b.low) != 0) == taken ? std::optional(a) : std::nullopt;
        }
        if (taken) { // a bit of a that is set in b, too
            return a.high == 0 || b.high == 0 ? std::nullopt : without(a, 0);
        }
        return a;
    }
}

} // namespace pfild::cbpf
