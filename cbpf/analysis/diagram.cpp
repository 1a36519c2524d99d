// SPDX-License-Identifier: BSD-2-Clause
// See diagram.h.
#include "cbpf/analysis/diagram.h"

#include <algorithm>
#include <utility>

namespace pfild::cbpf {

bool Diagrams::spend(std::size_t steps) {
    budget_ -= std::min(budget_, steps);
    return budget_ != 0;
}

NodeId Diagrams::intern(Node node) {
    const auto [entry, is_new] = ids_.try_emplace(node, static_cast<NodeId>(nodes_.size()));
    if (is_new) {
        nodes_.push_back(std::move(node));
    }
    return entry->second;
}

NodeId Diagrams::leaf(TermId answer) { return intern({answer, {}}); }

/// => branches are in order and end with the largest value.
NodeId Diagrams::node_of(TermId term, const std::vector<Branch>& branches) {
    std::vector<Branch> merged;
    for (const Branch& branch : branches) {
        if (!merged.empty() && merged.back().node == branch.node) {
            merged.back().last = branch.last;
        } else {
            merged.push_back(branch);
        }
    }
    return merged.size() == 1 ? merged.front().node : intern({term, std::move(merged)});
}

// captured() is the first term of all.
NodeId Diagrams::of_whole_packets(NodeId node) const {
    return child(node, terms_.captured(), terms_.at(terms_.captured()).largest);
}

// Lengths are the first terms of all, so few nodes are looked at.
bool Diagrams::looks_at_bytes(NodeId node) const {
    const Node& top = nodes_[node];
    if (top.branches.empty()) {
        return false;
    }
    return (top.term != terms_.captured() && top.term != terms_.wire()) ||
           std::any_of(top.branches.begin(), top.branches.end(),
                       [this](const Branch& branch) { return looks_at_bytes(branch.node); });
}

bool Diagrams::looks_at(NodeId node, TermId term) const {
    return !nodes_[node].branches.empty() && nodes_[node].term == term;
}

/// What is left of the diagram once the term's value is known. => no term before this one is looked at.
NodeId Diagrams::child(NodeId node, TermId term, std::uint32_t value) const {
    if (!looks_at(node, term)) {
        return node;
    }
    const std::vector<Branch>& branches = nodes_[node].branches;
    return std::find_if(branches.begin(), branches.end(), [value](const Branch& b) { return value <= b.last; })->node;
}

/// Where one of two diagrams changes its mind about the term, in order; the largest value is the last.
std::vector<std::uint32_t> Diagrams::ends(TermId term, NodeId one, NodeId other) const {
    std::vector<std::uint32_t> all{terms_.at(term).largest};
    for (const NodeId node : {one, other}) {
        if (looks_at(node, term)) {
            for (const Branch& branch : nodes_[node].branches) {
                all.push_back(branch.last);
            }
        }
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

/// select() where no term before this one is looked at.
NodeId Diagrams::split(TermId term, Interval interval, NodeId inside, NodeId outside) {
    const std::uint32_t largest = terms_.at(term).largest;
    std::vector<std::uint32_t> all = ends(term, inside, outside);
    if (interval.low != 0) {
        all.push_back(std::min(interval.low - 1, largest));
    }
    all.push_back(std::min(interval.high, largest));
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    std::vector<Branch> branches;
    branches.reserve(all.size());
    for (const std::uint32_t last : all) { // all values of a branch are like its last one
        const bool is_inside = interval.low <= last && last <= interval.high;
        branches.push_back({last, child(is_inside ? inside : outside, term, last)});
    }
    return node_of(term, branches);
}

std::optional<NodeId> Diagrams::select(TermId term, Interval interval, NodeId inside, NodeId outside) {
    if (inside == outside) {
        return inside;
    }
    const auto key = std::tuple(term, interval.low, interval.high, inside, outside);
    if (const auto known = selected_.find(key); known != selected_.end()) {
        return known->second;
    }
    if (!spend(1 + nodes_[inside].branches.size() + nodes_[outside].branches.size())) {
        return std::nullopt;
    }
    TermId top = term;
    for (const NodeId node : {inside, outside}) {
        top = nodes_[node].branches.empty() ? top : std::min(top, nodes_[node].term);
    }
    NodeId selected = 0;
    if (top == term) {
        selected = split(term, interval, inside, outside);
    } else {
        std::vector<Branch> branches;
        for (const std::uint32_t last : ends(top, inside, outside)) {
            const auto below = select(term, interval, child(inside, top, last), child(outside, top, last));
            if (!below) {
                return std::nullopt;
            }
            branches.push_back({last, *below});
        }
        selected = node_of(top, branches);
    }
    selected_.emplace(key, selected);
    return selected;
}

} // namespace pfild::cbpf
