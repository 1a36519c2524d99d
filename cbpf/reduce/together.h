// SPDX-License-Identifier: BSD-2-Clause
// Questions that can be asked in any order, in the one that takes the fewest instructions.
//
//    [26:4] = 10.0.0.1?  [30:4] = 10.0.0.1?  [26:4] = 10.0.0.2?  [30:4] = 10.0.0.2?  ..
//
//    becomes    [26:4] in 10.0.0.1-10.0.0.2 ..?  [30:4] in 10.0.0.1-10.0.0.2 ..?
#pragma once

#include <cstdint>
#include <vector>

#include "cbpf/analysis/interval.h"
#include "cbpf/analysis/terms.h"

namespace pfild::cbpf::reduce {

/// Does the term lie in the interval?
struct Asking {
    TermId term = 0;
    Interval inside;

    bool operator==(const Asking&) const = default;
};

/// Does one jump tell what lies in the interval: a value, all from one on, or those with a prefix (net 192.0.2.0/24)?
/// Not those from 0 on, which are never asked for but from behind them on (questions.h).
[[nodiscard]] bool is_asked_at_once(Interval interval, std::uint32_t largest);

/// Those about one term stand together, where the first of them was, and those with one mask. by_all: the questions
/// are whether all of that is true. Else they are whether any is; then intervals of three and more that touch or
/// overlap are one.
[[nodiscard]] std::vector<Asking> sorted_by_term(const std::vector<Asking>& given, const Terms& terms, bool by_all);

} // namespace pfild::cbpf::reduce
