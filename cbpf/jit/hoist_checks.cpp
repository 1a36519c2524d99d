// SPDX-License-Identifier: BSD-2-Clause
// Two walks. Back: how many bytes every run that goes on from a point, and does not end with 0, is certain to require.
// Forward: at the head of each block, and where X changes, require that many unless so many are proven already.
//
//     ldh [12]; jeq #0x800,0,5;  ldb [23]; jeq #6,0,3;  ldh [36]; jeq #80,0,1;  ret #1;  ret #0
//     needs 38                   needs 38               needs 38                needs 0  needs kEverything
//
// so one check at the start, for 38 bytes, is left of three. A packet of 20 bytes that is not IPv4 now fails that check
// instead of a comparison: 0 either way.
#include <algorithm>
#include <limits>

#include "cbpf/jit/passes.h"

namespace pfild::cbpf::jit {
namespace {

/// A run that ends with 0 may require any number of bytes: no other neutral element of the minimum exists.
constexpr std::uint32_t kEverything = std::numeric_limits<std::uint32_t>::max();

/// What is needed at a point, in bytes from each base.
using Needs = Proven;

Needs minimum(const Needs& left, const Needs& right) {
    return {std::min(left.packet, right.packet), std::min(left.x, right.x)};
}

class Hoister {
  public:
    explicit Hoister(Graph& graph) : graph_(graph), needs_(graph.blocks.size()), after_x_(graph.blocks.size()) {}

    void run() {
        for (std::size_t index = graph_.blocks.size(); index-- > 0;) {
            needs_[index] = walk_back(index);
        }
        constexpr Proven kUnvisited{kEverything, kEverything};
        arrivals_.assign(graph_.blocks.size(), kUnvisited);
        arrivals_.front() = {};
        for (std::size_t index = 0; index < graph_.blocks.size(); ++index) {
            place(index);
        }
    }

  private:
    /// What is needed at the head of the block.
    Needs walk_back(std::size_t index) {
        const Block& block = graph_.blocks[index];
        Needs needs{kEverything, kEverything};
        if (std::holds_alternative<Return>(block.end) && !is_return_of_zero(block.end)) {
            needs = {};
        }
        for_each_successor(block, [&](BlockIndex next) { needs = minimum(needs, needs_[next]); });
        for (std::size_t at = block.ops.size(); at-- > 0;) {
            const Op& op = block.ops[at];
            if (const auto* require = std::get_if<Require>(&op)) {
                needs.from(require->base) = std::max(needs.from(require->base), require->end);
            } else if (assigned(op) == Variable::kX) {
                after_x_[index].push_back(needs.x);
                needs.x = 0;
            }
        }
        return needs;
    }

    void place(std::size_t index) {
        Block& block = graph_.blocks[index];
        std::vector<Op> ops;
        ops.reserve(block.ops.size() + 1);
        Proven proven = arrivals_[index];
        const auto require = [&](Base base, std::uint32_t end) {
            if (end > proven.from(base) && end != kEverything) {
                ops.emplace_back(Require{base, end});
                proven.from(base) = end;
            }
        };
        require(Base::kPacket, needs_[index].packet);
        require(Base::kX, needs_[index].x);
        for (const Op& op : block.ops) {
            if (std::holds_alternative<Require>(op)) {
                continue;
            }
            ops.push_back(op);
            if (assigned(op) == Variable::kX) {
                proven.x = 0;
                require(Base::kX, after_x_[index].back());
                after_x_[index].pop_back();
            }
        }
        block.ops = std::move(ops);
        block.proven = proven;
        for_each_successor(block, [&](BlockIndex next) { arrivals_[next] = minimum(arrivals_[next], proven); });
    }

    Graph& graph_;
    std::vector<Needs> needs_;                        ///< at the head of each block
    std::vector<std::vector<std::uint32_t>> after_x_; ///< needed behind each assignment to X, last one first
    std::vector<Proven> arrivals_;                    ///< at the head of each block, on every way there
};

} // namespace

void hoist_checks(Graph& graph) { Hoister(graph).run(); }

} // namespace pfild::cbpf::jit
