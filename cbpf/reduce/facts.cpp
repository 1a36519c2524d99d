// SPDX-License-Identifier: BSD-2-Clause
// See facts.h.
#include "cbpf/reduce/facts.h"

#include <algorithm>
#include <limits>

namespace pfild::cbpf::reduce {
namespace {

constexpr std::uint32_t kAllValues = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMostIntervals = 1'024; ///< of a term; beyond, nothing is known of it
constexpr std::size_t kMostImages = 8;        ///< values of an operand that are calculated with

/// What lies in both.
ValueSet common(const ValueSet& values, Interval interval) {
    ValueSet both;
    for (const Interval one : values) {
        const Interval part{std::max(one.low, interval.low), std::min(one.high, interval.high)};
        if (part.low <= part.high) {
            both.push_back(part);
        }
    }
    return both;
}

ValueSet without(const ValueSet& values, Interval interval) {
    ValueSet left;
    for (const Interval one : values) {
        if (one.low < interval.low) {
            left.push_back({one.low, std::min(one.high, interval.low - 1)});
        }
        if (one.high > interval.high) {
            left.push_back({std::max(one.low, interval.high + 1), one.high});
        }
    }
    return left;
}

ValueSet united(const ValueSet& one, const ValueSet& other) {
    ValueSet sorted(one.size() + other.size());
    std::merge(one.begin(), one.end(), other.begin(), other.end(), sorted.begin(),
               [](Interval a, Interval b) { return a.low < b.low; });
    ValueSet all;
    for (const Interval interval : sorted) {
        if (!all.empty() && (all.back().high == kAllValues || interval.low <= all.back().high + 1)) {
            all.back().high = std::max(all.back().high, interval.high);
        } else {
            all.push_back(interval);
        }
    }
    return all;
}

/// The values of an operation on a term of which few values are left and a constant.
std::optional<ValueSet> image_of(const Facts& facts, const Terms& terms, const Term& term) {
    if (term.kind != Term::Kind::kResult || !terms.is_constant(term.right)) {
        return std::nullopt;
    }
    const ValueSet* left = facts.of(term.left);
    if (left == nullptr || left->size() > kMostImages) {
        return std::nullopt;
    }
    ValueSet image;
    for (const Interval one : *left) {
        const auto result = arithmetic(term.opcode, one, Interval::only(terms.at(term.right).k));
        if (!result) {
            return std::nullopt;
        }
        image = united(image, {*result});
    }
    return image;
}

std::optional<bool> decided_by(const ValueSet& values, Interval interval) {
    const bool all =
        std::all_of(values.begin(), values.end(), [interval](Interval one) { return interval.holds(one); });
    const bool none = common(values, interval).empty();
    return all ? std::optional(true) : none ? std::optional(false) : std::nullopt;
}

} // namespace

const ValueSet* Facts::of(TermId term) const {
    const auto found = std::lower_bound(known_.begin(), known_.end(), term,
                                        [](const Known& known, TermId wanted) { return known.term < wanted; });
    return found != known_.end() && found->term == term ? found->values.get() : nullptr;
}

bool Facts::learn(const Terms& terms, TermId term, Interval interval, bool inside) {
    const auto place = std::lower_bound(known_.begin(), known_.end(), term,
                                        [](const Known& known, TermId wanted) { return known.term < wanted; });
    const bool is_known = place != known_.end() && place->term == term;
    const ValueSet before = is_known ? *place->values : ValueSet{{0, terms.at(term).largest}};
    ValueSet values = inside ? common(before, interval) : without(before, interval);
    if (values.empty()) {
        return false;
    }
    if (values.size() > kMostIntervals || values == before) {
        return true;
    }
    auto shared = std::make_shared<const ValueSet>(std::move(values));
    if (is_known) {
        place->values = std::move(shared);
    } else {
        known_.insert(place, {term, std::move(shared)});
    }
    return true;
}

void Facts::join(const Facts& others, const Terms& terms) {
    std::vector<Known> joined;
    auto other = others.known_.begin();
    for (Known& known : known_) {
        other = std::find_if(other, others.known_.end(), [&](const Known& o) { return o.term >= known.term; });
        if (other == others.known_.end()) {
            break;
        }
        if (other->term != known.term) {
            continue;
        }
        if (other->values != known.values) {
            ValueSet all = united(*known.values, *other->values);
            if (all.size() > kMostIntervals || all == ValueSet{{0, terms.at(known.term).largest}}) {
                continue;
            }
            known.values = std::make_shared<const ValueSet>(std::move(all));
        }
        joined.push_back(std::move(known));
    }
    known_ = std::move(joined);
}

std::size_t Facts::weight() const {
    std::size_t weight = known_.size();
    for (const Known& known : known_) {
        weight += known.values->size();
    }
    return weight;
}

std::optional<bool> decided(const Facts& facts, const Terms& terms, TermId term, Interval interval) {
    const Term& about = terms.at(term);
    if (about.kind == Term::Kind::kConstant) {
        return interval.holds(about.k);
    }
    if (const ValueSet* values = facts.of(term)) {
        if (const auto answer = decided_by(*values, interval)) {
            return answer;
        }
    }
    if (const auto image = image_of(facts, terms, about)) {
        if (const auto answer = decided_by(*image, interval)) {
            return answer;
        }
    }
    return decided_by({{0, about.largest}}, interval);
}

} // namespace pfild::cbpf::reduce
