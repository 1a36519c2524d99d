// SPDX-License-Identifier: BSD-2-Clause
// What registers hold, as expressions over the packet: what equivalence compares programs by.
//
// Terms are made once: the same expression has the same id, whichever program it came from, and is simplified when it
// is made. Every term has a value for every packet, whatever a program would have done about it: bytes that were not
// captured are 0, a quotient by 0 and a shift by 32 or more are 0. Programs test for those before they go on; those
// tests are in the diagram (diagram.h).
//
// A value: owned by one comparison, on one thread.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "cbpf/instruction.h"

namespace pfild::cbpf {

using TermId = std::uint32_t;

struct Term {
    enum class Kind : std::uint8_t {
        kCaptured, ///< bytes that were captured
        kWire,     ///< bytes that it had on the wire
        kConstant, ///< k
        kLoad,     ///< the `size` bytes at left + k, both of which may be large
        kReach,    ///< bytes that were captured from offset left on; 0 if that is behind them
        kResult,   ///< of an operation on left and right
        kHolds,    ///< 1 if a comparison of left with right holds, else 0
    };

    Kind kind = Kind::kConstant;
    Opcode opcode = Opcode::kLdImm; ///< of kResult and kHolds, the one with X
    std::uint8_t size = 0;
    std::uint32_t k = 0;
    TermId left = 0;
    TermId right = 0;
    std::uint32_t largest = 0; ///< no value is larger

    [[nodiscard]] auto key() const { return std::tuple(kind, opcode, size, k, left, right); }
};

class Terms {
  public:
    /// An offset: the value of `base`, which is the constant 0 for a fixed one, and k; together they never wrap.
    struct Place {
        TermId base;
        std::uint32_t k;
    };

    Terms();

    [[nodiscard]] const Term& at(TermId id) const { return terms_[id]; }
    [[nodiscard]] bool is_constant(TermId id) const { return at(id).kind == Term::Kind::kConstant; }

    /// From now on loads from fixed offsets find that byte so.
    void know(std::uint32_t offset, std::uint8_t value) { known_.insert_or_assign(offset, value); }
    /// From now on no byte is known.
    void forget() { known_.clear(); }

    [[nodiscard]] TermId captured() const { return 0; }
    [[nodiscard]] TermId wire() const { return 1; }
    [[nodiscard]] TermId constant(std::uint32_t value);
    /// => the offset is below 2^32, or base is no constant.
    [[nodiscard]] TermId load(TermId base, std::uint32_t k, std::uint8_t size);
    /// How many bytes were captured from there on: captured() for the constant 0.
    [[nodiscard]] TermId reach(TermId base);
    /// `opcode` may be the one with the constant or the one with X.
    [[nodiscard]] TermId result(Opcode opcode, TermId left, TermId right);
    [[nodiscard]] TermId holds(Opcode jump, TermId left, TermId right);

    /// base + k, by the one form that there is for it. => as of load().
    [[nodiscard]] Place place(TermId base, std::uint32_t k);

  private:
    [[nodiscard]] TermId intern(const Term& term);
    [[nodiscard]] bool knows_any(std::uint32_t offset, std::uint8_t size) const;
    [[nodiscard]] TermId in_bytes(std::uint32_t offset, std::uint8_t size);
    [[nodiscard]] TermId with_constant(Opcode opcode, TermId left, std::uint32_t k);
    [[nodiscard]] TermId masked(TermId left, std::uint32_t mask);
    [[nodiscard]] TermId plain(Opcode opcode, TermId left, TermId right);

    std::vector<Term> terms_;
    std::map<decltype(Term().key()), TermId> ids_;
    std::map<std::uint32_t, std::uint8_t> known_; ///< bytes of the packet, by offset
};

/// The operation that works on X, of the one that works on the constant.
[[nodiscard]] Opcode with_x(Opcode opcode);

} // namespace pfild::cbpf
