// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/lower/ways.h"

#include <limits>
#include <vector>

namespace pfild::cbpf {
namespace {

// Of both forms together: a load is 1 instruction in the fast one and 9 in the slow one, most else is 1 or 2 in each.
constexpr std::uint64_t kStepsOfOp = 8;
constexpr std::uint64_t kStepsOfEnd = 6;

std::uint64_t sum(std::uint64_t left, std::uint64_t right) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    return left > kMost - right ? kMost : left + right;
}

} // namespace

std::uint64_t steps_of_all_ways(const jit::Graph& graph) {
    std::vector<std::uint64_t> from(graph.blocks.size()); // the head of each block to every end
    for (std::size_t index = graph.blocks.size(); index-- > 0;) {
        const jit::Block& block = graph.blocks[index];
        from[index] = kStepsOfOp * block.ops.size() + kStepsOfEnd;
        jit::for_each_successor(block, [&](jit::BlockIndex next) { from[index] = sum(from[index], from[next]); });
    }
    return from.front();
}

} // namespace pfild::cbpf
