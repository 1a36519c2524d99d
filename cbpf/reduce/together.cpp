// SPDX-License-Identifier: BSD-2-Clause
// See together.h. An interval that is no single jump takes two, so it has to stand for three questions to be worth it.
#include "cbpf/reduce/together.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace pfild::cbpf::reduce {
namespace {

constexpr std::size_t kWorthTwoJumps = 3;

bool is_prefix(Interval interval) {
    const std::uint32_t rest = interval.low ^ interval.high;
    return (rest & (rest + 1)) == 0 && (interval.low & rest) == 0;
}

bool touch(Interval lower, Interval upper) { return upper.low <= lower.high || upper.low - lower.high == 1; }

/// What several questions about one term ask for, with fewer. => sorted by their lower ends.
std::vector<Interval> unions_of(const std::vector<Interval>& sorted) {
    std::vector<Interval> all;
    for (std::size_t first = 0; first < sorted.size();) {
        Interval whole = sorted[first];
        std::vector<Interval> parts{whole}; // of those that lie in each other, the larger ones
        std::size_t next = first + 1;
        for (; next < sorted.size() && touch(whole, sorted[next]); ++next) {
            if (sorted[next].high > whole.high) {
                parts.push_back(sorted[next]);
                whole.high = sorted[next].high;
            }
        }
        if (parts.size() >= kWorthTwoJumps) {
            all.push_back(whole);
        } else {
            all.insert(all.end(), parts.begin(), parts.end());
        }
        first = next;
    }
    return all;
}

std::vector<Asking> with_unions(const std::vector<Asking>& given) {
    std::map<TermId, std::vector<Interval>> by_term;
    for (const Asking& asking : given) {
        by_term[asking.term].push_back(asking.inside);
    }
    std::vector<Asking> fewer;
    for (auto& [term, intervals] : by_term) {
        std::vector<Interval> sorted = intervals;
        std::sort(sorted.begin(), sorted.end(), [](Interval one, Interval other) {
            return std::tuple(one.low, other.high) < std::tuple(other.low, one.high); // of two, the longer one first
        });
        const std::vector<Interval> all = unions_of(sorted);
        for (const Interval interval : all.size() < intervals.size() ? all : intervals) {
            fewer.push_back({term, interval});
        }
    }
    return fewer;
}

} // namespace

bool is_asked_at_once(Interval interval, std::uint32_t largest) {
    return interval.low != 0 && (interval.high >= largest || is_prefix(interval));
}

std::vector<Asking> sorted_by_term(const std::vector<Asking>& given, const Terms& terms, bool by_all) {
    std::map<TermId, std::size_t> places;
    for (const Asking& asking : given) {
        places.try_emplace(asking.term, places.size());
    }
    std::vector<Asking> sorted = by_all ? given : with_unions(given);
    // A mask takes the place of the value in its register, so whole values come before it.
    const auto rank = [&](const Asking& asking) {
        const bool is_masked = !asking.inside.is_constant() && asking.inside.high < terms.at(asking.term).largest &&
                               is_asked_at_once(asking.inside, terms.at(asking.term).largest);
        return std::tuple(places.at(asking.term), is_masked ? asking.inside.low ^ asking.inside.high : 0);
    };
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](const Asking& one, const Asking& other) { return rank(one) < rank(other); });
    return sorted;
}

} // namespace pfild::cbpf::reduce
