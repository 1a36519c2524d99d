// SPDX-License-Identifier: BSD-2-Clause
// The operations of the machine on values of which some bits are known and some are tainted.
#include "cbpf/flow_value.h"

#include <bit>

namespace pfild::cbpf {
namespace {

/// A value made of a and b, in which the tainted bits have moved.
FlowValue made_of(const FlowValue& a, const FlowValue& b, const FlowValue& masks) {
    FlowValue value = masks;
    value.taint = a.is_tainted() ? a.exact_taint() : b.exact_taint();
    return value;
}

/// The same, but every bit of it is made of the same bit of a and b. Where both bring in taints, their bytes may be
/// from different places.
FlowValue made_in_place(const FlowValue& a, const FlowValue& b, const FlowValue& masks) {
    FlowValue value = made_of(a, b, masks);
    if (!a.is_tainted() || !b.is_tainted()) {
        value.taint = a.is_tainted() ? a.taint : b.taint;
    }
    return value;
}

FlowValue bitwise_and(const FlowValue& a, const FlowValue& b) {
    const std::uint32_t zero = (a.known & ~a.bits) | (b.known & ~b.bits);
    const std::uint32_t one = a.bits & b.bits;
    return made_in_place(a, b, {.known = zero | one, .bits = one, .tainted = (a.tainted | b.tainted) & ~zero});
}

FlowValue bitwise_or(const FlowValue& a, const FlowValue& b) {
    const std::uint32_t zero = a.known & ~a.bits & b.known & ~b.bits;
    const std::uint32_t one = a.bits | b.bits;
    return made_in_place(a, b, {.known = zero | one, .bits = one, .tainted = (a.tainted | b.tainted) & ~one});
}

FlowValue bitwise_xor(const FlowValue& a, const FlowValue& b) {
    const std::uint32_t known = a.known & b.known;
    return made_in_place(a, b, {.known = known, .bits = (a.bits ^ b.bits) & known, .tainted = a.tainted | b.tainted});
}

/// a without the taints that a shift moves out of it.
FlowValue without_taints(const FlowValue& a, std::uint32_t moved_out) {
    FlowValue value = a;
    value.tainted &= ~moved_out;
    return value;
}

/// => count is below 32.
FlowValue shifted_left(const FlowValue& a, std::uint32_t count) {
    const FlowValue kept = without_taints(a, ~(kAllBits >> count));
    const std::uint32_t zeros = ~(kAllBits << count);
    return made_of(kept, kept,
                   {.known = a.known << count | zeros, .bits = a.bits << count, .tainted = kept.tainted << count});
}

/// => count is below 32.
FlowValue shifted_right(const FlowValue& a, std::uint32_t count) {
    const FlowValue kept = without_taints(a, ~(kAllBits << count));
    const std::uint32_t zeros = ~(kAllBits >> count);
    return made_of(kept, kept,
                   {.known = a.known >> count | zeros, .bits = a.bits >> count, .tainted = kept.tainted >> count});
}

/// The lowest bit that is set, and all above it.
constexpr std::uint32_t from_lowest(std::uint32_t mask) { return mask | (0U - mask); }

/// Sums, differences and products: bit n of the result depends on bits 0 to n of both. `of_bits` is the operation's
/// result on what is known.
FlowValue carried(const FlowValue& a, const FlowValue& b, std::uint32_t of_bits) {
    const std::uint32_t known = ~from_lowest(~a.known | ~b.known);
    return made_of(a, b, {.known = known, .bits = of_bits & known, .tainted = from_lowest(a.tainted | b.tainted)});
}

/// Any function of a and b.
FlowValue mixed(const FlowValue& a, const FlowValue& b) {
    return made_of(a, b, {.known = 0, .tainted = a.is_tainted() || b.is_tainted() ? kAllBits : 0});
}

/// A sum or difference, `distance` being what is added to a if b is constant.
FlowValue moved(const FlowValue& a, const FlowValue& b, std::uint32_t of_bits, std::uint32_t distance) {
    FlowValue value = carried(a, b, of_bits);
    if (a.meaning == FlowValue::Meaning::kTransport && b.is_constant()) {
        value.meaning = FlowValue::Meaning::kTransport;
        value.delta = a.delta + distance;
    }
    return value;
}

} // namespace

Taint FlowValue::exact_taint() const {
    Taint exact = taint;
    if (taint.in_place && is_tainted()) {
        exact.byte -= (31U - static_cast<std::uint32_t>(std::countl_zero(tainted))) / 8;
        exact.in_place = false;
    }
    return exact;
}

bool is_division(Opcode opcode) {
    return opcode == Opcode::kDivK || opcode == Opcode::kDivX || opcode == Opcode::kModK || opcode == Opcode::kModX;
}

bool is_shift(Opcode opcode) {
    return opcode == Opcode::kLshK || opcode == Opcode::kLshX || opcode == Opcode::kRshK || opcode == Opcode::kRshX;
}

FlowValue calculated(Opcode opcode, const FlowValue& a, const FlowValue& b) {
    const bool exact = a.is_constant() && b.is_constant();
    switch (opcode) {
    case Opcode::kAddK:
    case Opcode::kAddX:
        return b.meaning == FlowValue::Meaning::kTransport ? moved(b, a, a.bits + b.bits, a.bits)
                                                           : moved(a, b, a.bits + b.bits, b.bits);
    case Opcode::kSubK:
    case Opcode::kSubX:
        return moved(a, b, a.bits - b.bits, 0U - b.bits);
    case Opcode::kMulK:
    case Opcode::kMulX:
        return carried(a, b, a.bits * b.bits);
    case Opcode::kDivK:
    case Opcode::kDivX:
        return exact ? FlowValue::constant(a.bits / b.bits) : mixed(a, b);
    case Opcode::kModK:
    case Opcode::kModX:
        return exact ? FlowValue::constant(a.bits % b.bits) : mixed(a, b);
    case Opcode::kOrK:
    case Opcode::kOrX:
        return bitwise_or(a, b);
    case Opcode::kAndK:
    case Opcode::kAndX:
        return bitwise_and(a, b);
    case Opcode::kXorK:
    case Opcode::kXorX:
        return bitwise_xor(a, b);
    case Opcode::kLshK:
    case Opcode::kLshX:
        return b.is_constant() ? shifted_left(a, b.bits) : mixed(a, b);
    case Opcode::kRshK:
    case Opcode::kRshX:
        return b.is_constant() ? shifted_right(a, b.bits) : mixed(a, b);
    default:
        return mixed(a, b);
    }
}

FlowValue joined(const FlowValue& a, const FlowValue& b) {
    const std::uint32_t known = a.known & b.known & ~(a.bits ^ b.bits);
    const bool same_meaning = a.meaning == b.meaning && a.delta == b.delta;
    return {.known = known,
            .bits = a.bits & known,
            .tainted = a.tainted | b.tainted,
            .meaning = same_meaning ? a.meaning : FlowValue::Meaning::kNumber,
            .delta = same_meaning ? a.delta : 0,
            .taint = a.is_tainted() ? a.exact_taint() : b.exact_taint()};
}

Answer answer(Opcode opcode, const FlowValue& a, const FlowValue& b) {
    const auto decided = [](bool yes) { return yes ? Answer::kYes : Answer::kNo; };
    const bool same_in_flow = !a.is_tainted() && !b.is_tainted();
    switch (opcode) {
    case Opcode::kJeqK:
    case Opcode::kJeqX:
        if (((a.bits ^ b.bits) & a.known & b.known) != 0 || (a.is_constant() && b.is_constant())) {
            return decided(a.bits == b.bits);
        }
        break;
    case Opcode::kJgtK:
    case Opcode::kJgtX:
        if (a.smallest() > b.largest() || a.largest() <= b.smallest()) {
            return decided(a.smallest() > b.largest());
        }
        break;
    case Opcode::kJgeK:
    case Opcode::kJgeX:
        if (a.smallest() >= b.largest() || a.largest() < b.smallest()) {
            return decided(a.smallest() >= b.largest());
        }
        break;
    default: { // jset
        const FlowValue common = bitwise_and(a, b);
        if (common.bits != 0 || common.is_constant()) {
            return decided(common.bits != 0);
        }
        return common.is_tainted() ? Answer::kByValue : Answer::kByKey;
    }
    }
    return same_in_flow ? Answer::kByKey : Answer::kByValue;
}

FlowValue asked(Opcode jump, const FlowValue& a, const FlowValue& b) {
    return jump == Opcode::kJsetK || jump == Opcode::kJsetX ? bitwise_and(a, b) : mixed(a, b);
}

} // namespace pfild::cbpf
