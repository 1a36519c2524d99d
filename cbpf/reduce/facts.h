// SPDX-License-Identifier: BSD-2-Clause
// What is known of a packet once some questions about it have been answered: by term, the values that it can have.
//
//    [12:2] in {0x800}     [26:4] in 0-0xc0000200, 0xc0000202-..     captured in 34-..
//
// Values; on one thread.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cbpf/analysis/interval.h"
#include "cbpf/analysis/terms.h"

namespace pfild::cbpf::reduce {

/// In order; no two touch. Never empty.
using ValueSet = std::vector<Interval>;

class Facts {
  public:
    /// The values that the term can have; nothing known: nullptr.
    [[nodiscard]] const ValueSet* of(TermId term) const;

    /// The same facts, and that the term lies inside the interval, or outside of it. False: no packet is like that.
    [[nodiscard]] bool learn(const Terms& terms, TermId term, Interval interval, bool inside);

    /// What holds if these or the others do.
    void join(const Facts& others, const Terms& terms);

    /// Forgets terms of which `wanted` says no.
    template <typename Wanted>
    void keep(Wanted wanted) {
        std::erase_if(known_, [&](const Known& known) { return !wanted(known.term); });
    }

    /// How much there is to be gone through.
    [[nodiscard]] std::size_t weight() const;

  private:
    struct Known {
        TermId term;
        std::shared_ptr<const ValueSet> values; ///< shared by all facts that say the same of the term
    };

    std::vector<Known> known_; ///< by term
};

/// Whether the term lies in the interval for each packet of which the facts hold; nothing: that depends.
[[nodiscard]] std::optional<bool> decided(const Facts& facts, const Terms& terms, TermId term, Interval interval);

} // namespace pfild::cbpf::reduce
