// SPDX-License-Identifier: BSD-2-Clause
// See terms.h. What is simplified here is what compilers write in more than one way.
#include "cbpf/analysis/terms.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "cbpf/analysis/interval.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kLargestTerm = std::numeric_limits<std::uint32_t>::max();

bool is_commutative(Opcode opcode) {
    return opcode == Opcode::kAddX || opcode == Opcode::kMulX || opcode == Opcode::kOrX || opcode == Opcode::kAndX ||
           opcode == Opcode::kXorX;
}

/// All bits up to the highest of the largest value.
std::uint32_t possible_bits(std::uint32_t largest) {
    return largest == 0 ? 0 : kLargestTerm >> static_cast<unsigned>(std::countl_zero(largest));
}

} // namespace

Opcode with_x(Opcode opcode) {
    const OpcodeInfo& row = info(opcode);
    if (row.operand != Operand::kConstant && row.operand != Operand::kBranch) {
        return opcode;
    }
    const Operand wanted = row.operand == Operand::kConstant ? Operand::kX : Operand::kBranchX;
    const auto* const found = std::find_if(kOpcodes.begin(), kOpcodes.end(), [&](const OpcodeInfo& other) {
        return other.name == row.name && other.operand == wanted;
    });
    return found == kOpcodes.end() ? opcode : found->opcode;
}

Terms::Terms() {
    (void)intern({.kind = Term::Kind::kCaptured, .largest = kLargestTerm});
    (void)intern({.kind = Term::Kind::kWire, .largest = kLargestTerm});
}

TermId Terms::intern(const Term& term) {
    const auto [entry, is_new] = ids_.try_emplace(term.key(), static_cast<TermId>(terms_.size()));
    if (is_new) {
        terms_.push_back(term);
    }
    return entry->second;
}

TermId Terms::constant(std::uint32_t value) {
    return intern({.kind = Term::Kind::kConstant, .k = value, .largest = value});
}

/// base + k as one constant, or as what is behind a sum with one, if no such sum can wrap.
Terms::Place Terms::place(TermId base, std::uint32_t k) {
    const Term& term = at(base);
    if (term.kind == Term::Kind::kConstant) {
        return {constant(0), term.k + k};
    }
    if (term.kind == Term::Kind::kResult && term.opcode == Opcode::kAddX && is_constant(term.right)) {
        const std::uint64_t distance = std::uint64_t{at(term.right).k} + k;
        if (distance + at(term.left).largest <= kLargestTerm) {
            return {term.left, static_cast<std::uint32_t>(distance)};
        }
    }
    return {base, k};
}

TermId Terms::load(TermId base, std::uint32_t k, std::uint8_t size) {
    const Place place = this->place(base, k);
    if (place.base == constant(0) && knows_any(place.k, size)) {
        return in_bytes(place.k, size);
    }
    return intern({.kind = Term::Kind::kLoad,
                   .size = size,
                   .k = place.k,
                   .left = place.base,
                   .largest = kLargestTerm >> (32U - 8U * size)});
}

bool Terms::knows_any(std::uint32_t offset, std::uint8_t size) const {
    const auto first = known_.lower_bound(offset);
    return first != known_.end() && first->first - offset < size;
}

/// One after another: of some the value is known.
TermId Terms::in_bytes(std::uint32_t offset, std::uint8_t size) {
    TermId all = constant(0);
    for (std::uint32_t at = offset; at < offset + size; ++at) {
        const auto known = known_.find(at);
        const TermId byte = known != known_.end() ? constant(known->second)
                                                  : intern({.kind = Term::Kind::kLoad,
                                                            .size = 1,
                                                            .k = at,
                                                            .left = constant(0),
                                                            .largest = kLargestTerm >> 24U});
        all = result(Opcode::kOrX, result(Opcode::kLshX, all, constant(8)), byte);
    }
    return all;
}

TermId Terms::reach(TermId base) {
    return base == constant(0) ? captured()
                               : intern({.kind = Term::Kind::kReach, .left = base, .largest = kLargestTerm});
}

TermId Terms::result(Opcode given, TermId left, TermId right) {
    Opcode opcode = with_x(given);
    if (opcode == Opcode::kNeg) { // 0 - A
        return plain(Opcode::kSubX, constant(0), left);
    }
    if (is_constant(left) && is_constant(right)) {
        const auto both = arithmetic(opcode, Interval::only(at(left).k), Interval::only(at(right).k));
        return constant(both ? both->low : 0);
    }
    if (is_commutative(opcode) && (is_constant(left) || (!is_constant(right) && left > right))) {
        std::swap(left, right);
    }
    return is_constant(right) ? with_constant(opcode, left, at(right).k) : plain(opcode, left, right);
}

TermId Terms::with_constant(Opcode opcode, TermId left, std::uint32_t k) {
    const Term term = at(left);
    const bool same_again = term.kind == Term::Kind::kResult && is_constant(term.right) && term.opcode == opcode;
    const bool is_power = std::has_single_bit(k);
    switch (opcode) {
    case Opcode::kSubX:
        return with_constant(Opcode::kAddX, left, 0U - k);
    case Opcode::kAddX:
        if (same_again) {
            return with_constant(opcode, term.left, at(term.right).k + k);
        }
        return k == 0 ? left : plain(opcode, left, constant(k));
    case Opcode::kMulX:
        if (is_power) {
            return with_constant(Opcode::kLshX, left, static_cast<std::uint32_t>(std::countr_zero(k)));
        }
        return k == 0 ? constant(0) : plain(opcode, left, constant(k));
    case Opcode::kDivX:
        if (is_power) {
            return with_constant(Opcode::kRshX, left, static_cast<std::uint32_t>(std::countr_zero(k)));
        }
        return k == 0 ? constant(0) : plain(opcode, left, constant(k));
    case Opcode::kModX:
        if (is_power) {
            return masked(left, k - 1);
        }
        return k == 0 ? constant(0) : plain(opcode, left, constant(k));
    case Opcode::kAndX:
        return masked(left, k);
    case Opcode::kOrX:
    case Opcode::kXorX:
        return k == 0 ? left : plain(opcode, left, constant(k));
    default: // shifts
        if (k >= kShiftLimit) {
            return constant(0);
        }
        return k == 0 ? left : plain(opcode, left, constant(k));
    }
}

TermId Terms::masked(TermId left, std::uint32_t mask) {
    const Term term = at(left);
    if (term.kind == Term::Kind::kResult && term.opcode == Opcode::kAndX && is_constant(term.right)) {
        return masked(term.left, at(term.right).k & mask);
    }
    const std::uint32_t possible = possible_bits(term.largest);
    if ((possible & mask) == possible) {
        return left;
    }
    return (possible & mask) == 0 ? constant(0) : plain(Opcode::kAndX, left, constant(possible & mask));
}

TermId Terms::plain(Opcode opcode, TermId left, TermId right) {
    const auto most = arithmetic(opcode, {0, at(left).largest},
                                 is_constant(right) ? Interval::only(at(right).k) : Interval{0, at(right).largest});
    return intern({.kind = Term::Kind::kResult,
                   .opcode = opcode,
                   .left = left,
                   .right = right,
                   .largest = most ? most->high : 0});
}

TermId Terms::holds(Opcode jump, TermId left, TermId right) {
    const Opcode opcode = with_x(jump);
    if ((opcode == Opcode::kJeqX || opcode == Opcode::kJsetX) && left > right) {
        std::swap(left, right);
    }
    return intern({.kind = Term::Kind::kHolds, .opcode = opcode, .left = left, .right = right, .largest = 1});
}

} // namespace pfild::cbpf
