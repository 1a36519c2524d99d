// SPDX-License-Identifier: BSD-2-Clause
// What a packet must be like for an answer other than 0: so that no question is asked whose "no" comes anyway.
//
//    captured >= 34? -- [23:1] = 6? -- [30:4] = ..       the load of [30:4] ends the run of a shorter packet, with 0
//    too
//
// Values; on one thread.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "cbpf/analysis/interval.h"
#include "cbpf/analysis/terms.h"

namespace pfild::cbpf::reduce {

/// The term lies in the interval.
using Need = std::pair<TermId, Interval>;

/// All of them hold.
class Needs {
  public:
    /// Of what never answers anything but 0: everything.
    [[nodiscard]] static Needs everything();

    [[nodiscard]] bool contain(const Need& need) const;
    void add(const Need& need);
    void add(const std::vector<Need>& needs);
    /// What both have in common.
    [[nodiscard]] Needs common(const Needs& others) const;

  private:
    std::vector<Need> needs_; ///< each term once; few
    bool everything_ = false;
};

/// What instructions that calculate a term ask for themselves: that bytes are there, that X is a good operand.
class NeedsOfTerms {
  public:
    explicit NeedsOfTerms(Terms& terms) : terms_(terms) {}
    [[nodiscard]] const std::vector<Need>& of(TermId term);

  private:
    Terms& terms_;
    std::map<TermId, std::vector<Need>> known_;
};

} // namespace pfild::cbpf::reduce
