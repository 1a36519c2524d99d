// SPDX-License-Identifier: BSD-2-Clause
// See needs.h.
#include "cbpf/reduce/needs.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace pfild::cbpf::reduce {
namespace {

constexpr std::size_t kMostNeeds = 12; ///< more are forgotten
constexpr std::uint32_t kNoEnd = std::numeric_limits<std::uint32_t>::max();

std::optional<Interval> common_part(Interval one, Interval other) {
    const Interval both{std::max(one.low, other.low), std::min(one.high, other.high)};
    return both.low <= both.high ? std::optional(both) : std::nullopt;
}

/// Of one term there is one need, if both can be met at once.
void add_to(std::vector<Need>& needs, const Need& need) {
    for (Need& known : needs) {
        if (known.first == need.first) {
            if (const auto both = common_part(known.second, need.second)) {
                known.second = *both;
                return;
            }
        }
    }
    needs.push_back(need);
}

} // namespace

Needs Needs::everything() {
    Needs all;
    all.everything_ = true;
    return all;
}

bool Needs::contain(const Need& need) const {
    return everything_ || std::any_of(needs_.begin(), needs_.end(), [&](const Need& one) {
               return one.first == need.first && need.second.holds(one.second);
           });
}

void Needs::add(const Need& need) {
    if (everything_) {
        return;
    }
    const auto same =
        std::find_if(needs_.begin(), needs_.end(), [&](const Need& one) { return one.first == need.first; });
    if (same == needs_.end()) {
        if (needs_.size() < kMostNeeds) {
            needs_.push_back(need);
        }
        return;
    }
    if (const auto both = common_part(same->second, need.second)) {
        same->second = *both;
    } else {
        everything_ = true;
    }
}

void Needs::add(const std::vector<Need>& needs) {
    for (const Need& need : needs) {
        add(need);
    }
}

Needs Needs::common(const Needs& others) const {
    if (everything_) {
        return others;
    }
    if (others.everything_) {
        return *this;
    }
    Needs shared;
    for (const Need& one : needs_) {
        for (const Need& other : others.needs_) {
            if (one.first == other.first) {
                shared.add({one.first, hull(one.second, other.second)});
            }
        }
    }
    return shared;
}

const std::vector<Need>& NeedsOfTerms::of(TermId id) {
    if (const auto known = known_.find(id); known != known_.end()) {
        return known->second;
    }
    std::vector<Need> needs;
    const auto also = [&](TermId part) {
        for (const Need& need : std::vector<Need>(of(part))) {
            add_to(needs, need);
        }
    };
    const Term term = terms_.at(id);
    switch (term.kind) {
    case Term::Kind::kLoad:
        also(term.left);
        add_to(needs, {terms_.reach(term.left), {term.k + term.size, kNoEnd}});
        break;
    case Term::Kind::kReach:
        also(term.left);
        break;
    case Term::Kind::kResult:
        also(term.left);
        also(term.right);
        if (!terms_.is_constant(term.right) && operands_of(term.opcode) != Interval{}) {
            add_to(needs, {term.right, operands_of(term.opcode)});
        }
        break;
    case Term::Kind::kHolds:
        also(term.left);
        also(term.right);
        break;
    default:
        break;
    }
    return known_.emplace(id, std::move(needs)).first->second;
}

} // namespace pfild::cbpf::reduce
