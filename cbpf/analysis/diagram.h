// SPDX-License-Identifier: BSD-2-Clause
// Decision diagrams: what a program answers, as nested choices, in the one form that there is for it.
//
//    captured:  0-13 -> 0        14-23 -> [12:2]:  0-2047 -> 0   2048 -> 0   2049-65535 -> 0         (all merged: 0)
//               24-  -> [12:2]:  0-2047 -> 0   2048 -> [23:1]: 0-5 -> 0  6 -> 262144  7-255 -> 0   2049-65535 -> 0
//
// A node looks at one term and has an answer, or another node, for each interval of its values. On every way down the
// terms come in the order of their ids, each at most once, and neighbouring intervals differ. So two functions of the
// same terms are the same if and only if they are the same node: however the programs came to ask their questions.
//
// Nodes are made once and live as long as the store. Owned by one comparison, on one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "cbpf/analysis/interval.h"
#include "cbpf/analysis/terms.h"

namespace pfild::cbpf {

using NodeId = std::uint32_t;

class Diagrams {
  public:
    /// At most so many branches are looked at; => terms outlives this.
    Diagrams(const Terms& terms, std::size_t budget) : terms_(terms), budget_(budget) {}

    /// The answer, whatever the packet.
    [[nodiscard]] NodeId leaf(TermId answer);

    /// `inside` where the term's value lies in the interval, else `outside`; nothing when the budget is used up.
    [[nodiscard]] std::optional<NodeId> select(TermId term, Interval interval, NodeId inside, NodeId outside);

    /// What is left of it for packets of which as much was captured as anybody looks at.
    [[nodiscard]] NodeId of_whole_packets(NodeId node) const;

    /// Whether it looks at more than how long a packet is.
    [[nodiscard]] bool looks_at_bytes(NodeId node) const;

  private:
    /// Values up to `last`, from behind the branch before.
    struct Branch {
        std::uint32_t last;
        NodeId node;

        auto operator<=>(const Branch&) const = default; // NOLINT(modernize-use-nullptr): of the compiler's making
    };
    struct Node {
        TermId term = 0; ///< of a leaf: the answer
        std::vector<Branch> branches;

        auto operator<=>(const Node&) const = default; // NOLINT(modernize-use-nullptr)
    };

    /// False when the budget is used up.
    [[nodiscard]] bool spend(std::size_t steps);
    [[nodiscard]] NodeId intern(Node node);
    [[nodiscard]] NodeId node_of(TermId term, const std::vector<Branch>& branches);
    [[nodiscard]] bool looks_at(NodeId node, TermId term) const;
    [[nodiscard]] NodeId child(NodeId node, TermId term, std::uint32_t value) const;
    [[nodiscard]] std::vector<std::uint32_t> ends(TermId term, NodeId one, NodeId other) const;
    [[nodiscard]] NodeId split(TermId term, Interval interval, NodeId inside, NodeId outside);

    const Terms& terms_;
    std::size_t budget_;
    std::vector<Node> nodes_;
    std::map<Node, NodeId> ids_;
    std::map<std::tuple<TermId, std::uint32_t, std::uint32_t, NodeId, NodeId>, NodeId> selected_;
};

} // namespace pfild::cbpf
