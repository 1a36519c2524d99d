// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/jit/range.h"

#include <algorithm>
#include <bit>

namespace pfild::cbpf::jit {
namespace {

constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();
constexpr Range kAnything{};

/// One result. => no division by 0, no shift by 32 or more.
std::uint32_t exact(Operation operation, std::uint32_t left, std::uint32_t right) noexcept {
    switch (operation) {
    case Operation::kAdd:
        return left + right;
    case Operation::kSub:
        return left - right;
    case Operation::kMul:
        return left * right;
    case Operation::kDiv:
        return left / right;
    case Operation::kMod:
        return left % right;
    case Operation::kOr:
        return left | right;
    case Operation::kAnd:
        return left & right;
    case Operation::kXor:
        return left ^ right;
    case Operation::kLsh:
        return left << right;
    case Operation::kRsh:
        return left >> right;
    case Operation::kNeg:
        break;
    }
    return 0U - left;
}

/// All numbers that need no more bits than this one.
std::uint32_t all_bits_of(std::uint32_t value) noexcept {
    return value == 0 ? 0 : kMax >> static_cast<unsigned>(std::countl_zero(value));
}

/// The range, unless a number of it does not fit 32 bits: then what was computed has wrapped.
Range unless_wrapped(std::uint64_t low, std::uint64_t high) noexcept {
    return high > kMax ? kAnything : Range{static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high)};
}

} // namespace

Range hull(Range left, Range right) noexcept {
    return {std::min(left.low, right.low), std::max(left.high, right.high)};
}

std::optional<Range> cut(Range range, std::uint32_t low, std::uint32_t high) noexcept {
    const Range rest{std::max(range.low, low), std::min(range.high, high)};
    return rest.low <= rest.high ? std::optional(rest) : std::nullopt;
}

Range calculate(Operation operation, Range left, Range right) noexcept {
    if (left.constant() && right.constant()) {
        return Range::only(exact(operation, left.low, right.low));
    }
    switch (operation) {
    case Operation::kAdd:
        return unless_wrapped(std::uint64_t{left.low} + right.low, std::uint64_t{left.high} + right.high);
    case Operation::kSub:
        return left.low >= right.high ? Range{left.low - right.high, left.high - right.low} : kAnything;
    case Operation::kMul:
        return unless_wrapped(std::uint64_t{left.low} * right.low, std::uint64_t{left.high} * right.high);
    case Operation::kDiv:
        return {left.low / right.high, left.high / right.low};
    case Operation::kMod:
        return {0, std::min(left.high, right.high - 1)};
    case Operation::kOr:
        return {std::max(left.low, right.low), all_bits_of(left.high | right.high)};
    case Operation::kAnd:
        return {0, std::min(left.high, right.high)};
    case Operation::kXor:
        return {0, all_bits_of(left.high | right.high)};
    case Operation::kLsh:
        return unless_wrapped(std::uint64_t{left.low} << right.low, std::uint64_t{left.high} << right.high);
    case Operation::kRsh:
        return {left.low >> right.high, left.high >> right.low};
    case Operation::kNeg:
        break;
    }
    return kAnything;
}

std::optional<Range> where(Range left, Relation relation, std::uint32_t constant, bool holds) noexcept {
    switch (relation) {
    case Relation::kEqual:
        if (holds) {
            return cut(left, constant, constant);
        }
        return left == Range::only(constant) ? std::nullopt : std::optional(left);
    case Relation::kGreater:
        if (holds) {
            return constant == kMax ? std::nullopt : cut(left, constant + 1, kMax);
        }
        return cut(left, 0, constant);
    case Relation::kGreaterOrEqual:
        if (holds) {
            return cut(left, constant, kMax);
        }
        return constant == 0 ? std::nullopt : cut(left, 0, constant - 1);
    case Relation::kCommonBit:
        break;
    }
    if (holds) {
        return (all_bits_of(left.high) & constant) == 0 || (left.constant() && (left.low & constant) == 0)
                   ? std::nullopt
                   : cut(left, 1, kMax);
    }
    return left.constant() && (left.low & constant) != 0 ? std::nullopt : std::optional(left);
}

} // namespace pfild::cbpf::jit
