// SPDX-License-Identifier: BSD-2-Clause
// Does a program tell some packets from others, which differ in some bytes only?
//
//    `arp`        ..08 06.. matches, ..88 b5.. does not                                   it does
//    `not ip`     both match                                                              it does not
//    `tcp`        neither does                                                            it does not
//
// Pure; owned by one question, on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cbpf/analysis/diagram.h"
#include "cbpf/analysis/terms.h"
#include "cbpf/program.h"

namespace pfild::cbpf {

/// A byte of the packet, from its beginning, whose value is known.
struct KnownByte {
    std::uint32_t offset;
    std::uint8_t value;
};
using KnownBytes = std::vector<KnownByte>;

class Telling {
  public:
    /// Which packets of some sort it matches, in the one form that there is for that. Of packets that are cut short it
    /// says nothing: that one test asks for more bytes than another is no difference that somebody meant.
    using Matches = NodeId;

    /// => `program` outlives this.
    explicit Telling(const Program& program) : program_(program), diagrams_(terms_, kBudget) {}

    /// Of packets of which no more than these bytes is known. Nothing: it is too long to tell, or it reads from places
    /// that it calculates and that may be these.
    [[nodiscard]] std::optional<Matches> matches(std::span<const KnownByte> known);

    [[nodiscard]] Matches none() { return diagrams_.leaf(terms_.constant(0)); }
    /// Packets of the sort are matched or not by what is in them, beyond what is known; not only by their length.
    [[nodiscard]] bool asks_for_more(Matches matches) const { return diagrams_.looks_at_bytes(matches); }

  private:
    static constexpr std::size_t kBudget = 400'000; ///< branches, of all answers together

    const Program& program_;
    Terms terms_;
    Diagrams diagrams_;
};

} // namespace pfild::cbpf
