// SPDX-License-Identifier: BSD-2-Clause
// A register's value in all packets of a flow at once: what flow_dependence calculates with.
//
// Take any two canonical packets of one flow, and let a program do the same steps on both. Every bit of a value is then
//
//    known     the same in every packet of every flow, and its value is known: the version nibble, an unset MF bit
//    tainted   perhaps not the same in the two: time to live, length
//    neither   the same in both, because it is made of nothing but the key: protocol, address, port
//
// All operations here err towards tainted, never away from it. Pure; any thread.
#pragma once

#include <cstdint>

#include "cbpf/instruction.h"

namespace pfild::cbpf {

inline constexpr std::uint32_t kAllBits = 0xffffffff;

/// Where a taint comes from.
struct Taint {
    enum class From : std::uint8_t { kByte, kSomeByte, kPacketLength, kHeaderLength };

    From from = From::kByte;
    bool in_place = false;         ///< the tainted bits are still where the load put them
    std::uint16_t instruction = 0; ///< that loaded it
    std::uint32_t byte = 0;        ///< kByte: its offset; when in_place, of the byte that is in bits 0-7
};
static_assert(kMaxInstructions <= 0xffff, "Taint::instruction");

struct FlowValue {
    enum class Meaning : std::uint8_t {
        kNumber,
        kProtocol,  ///< the packet's protocol or next header, exactly
        kTransport, ///< the length of the IPv4 header, plus `delta`
    };

    std::uint32_t known = kAllBits;
    std::uint32_t bits = 0;    ///< the known ones; 0 elsewhere
    std::uint32_t tainted = 0; ///< none of them known
    Meaning meaning = Meaning::kNumber;
    std::uint32_t delta = 0;
    Taint taint; ///< of the tainted bits, if there are any

    [[nodiscard]] static FlowValue constant(std::uint32_t value) { return {.bits = value}; }

    [[nodiscard]] bool is_constant() const { return known == kAllBits; }
    [[nodiscard]] bool is_tainted() const { return tainted != 0; }
    [[nodiscard]] std::uint32_t smallest() const { return bits; }
    [[nodiscard]] std::uint32_t largest() const { return bits | ~known; }

    /// The taint with the byte that the highest tainted bit was loaded from.
    [[nodiscard]] Taint exact_taint() const;
};

[[nodiscard]] bool is_division(Opcode opcode); ///< or remainder
[[nodiscard]] bool is_shift(Opcode opcode);

/// a op b, for the operations that take two numbers.
/// => if b is constant: not 0 for a division, below kShiftLimit for a shift.
[[nodiscard]] FlowValue calculated(Opcode opcode, const FlowValue& a, const FlowValue& b);

/// What holds of a value that is a on one path and b on another. Which path is taken depends on the key alone.
[[nodiscard]] FlowValue joined(const FlowValue& a, const FlowValue& b);

/// Whether a conditional jump is taken.
enum class Answer : std::uint8_t {
    kYes,     ///< in every packet
    kNo,      ///< in none
    kByKey,   ///< in all packets of a flow or in none of them
    kByValue, ///< perhaps in one packet of a flow and not in another
};
[[nodiscard]] Answer answer(Opcode jump, const FlowValue& a, const FlowValue& b);

/// What a conditional jump looks at; if it is taken by value, this is tainted.
[[nodiscard]] FlowValue asked(Opcode jump, const FlowValue& a, const FlowValue& b);

} // namespace pfild::cbpf
