// SPDX-License-Identifier: BSD-2-Clause
// The passes about edges: which blocks there are and how they hang together.
#include <utility>

#include "cbpf/jit/passes.h"

namespace pfild::cbpf::jit {
namespace {

/// Edges go past blocks that do nothing but jump, and a branch whose ways are alike is a jump.
void shorten_edges(Graph& graph) {
    std::vector<BlockIndex> resolved(graph.blocks.size());
    for (auto index = static_cast<BlockIndex>(graph.blocks.size()); index-- > 0;) {
        Block& block = graph.blocks[index];
        for_each_successor(block, [&](BlockIndex& next) { next = resolved[next]; });
        if (const auto* branch = std::get_if<Branch>(&block.end); branch != nullptr && branch->yes == branch->no) {
            block.end = Goto{branch->yes};
        }
        const auto* jump = std::get_if<Goto>(&block.end);
        resolved[index] = jump != nullptr && block.ops.empty() ? jump->to : index;
    }
}

/// How many edges lead to each block from blocks that can be reached; block 0 has one from outside.
std::vector<std::uint32_t> count_arrivals(const Graph& graph) {
    std::vector<std::uint32_t> arrivals(graph.blocks.size());
    arrivals.front() = 1;
    for (std::size_t index = 0; index < graph.blocks.size(); ++index) {
        if (arrivals[index] != 0) {
            for_each_successor(graph.blocks[index], [&](BlockIndex next) { ++arrivals[next]; });
        }
    }
    return arrivals;
}

/// A block takes in the one it jumps to if nothing else leads there.
void merge_chains(Graph& graph, std::vector<std::uint32_t>& arrivals) {
    for (std::size_t index = 0; index < graph.blocks.size(); ++index) {
        Block& block = graph.blocks[index];
        const auto* jump = std::get_if<Goto>(&block.end);
        while (arrivals[index] != 0 && jump != nullptr && arrivals[jump->to] == 1) {
            Block& next = graph.blocks[jump->to];
            arrivals[jump->to] = 0;
            block.ops.insert(block.ops.end(), next.ops.begin(), next.ops.end());
            block.end = End(next.end);
            jump = std::get_if<Goto>(&block.end);
        }
    }
}

void drop_unreachable(Graph& graph, const std::vector<std::uint32_t>& arrivals) {
    std::vector<BlockIndex> renumbered(graph.blocks.size());
    BlockIndex kept = 0;
    for (std::size_t index = 0; index < graph.blocks.size(); ++index) {
        renumbered[index] = kept;
        if (arrivals[index] != 0) {
            if (kept != index) {
                graph.blocks[kept] = std::move(graph.blocks[index]);
            }
            ++kept;
        }
    }
    graph.blocks.resize(kept);
    for (Block& block : graph.blocks) {
        for_each_successor(block, [&](BlockIndex& next) { next = renumbered[next]; });
    }
}

} // namespace

void straighten(Graph& graph) {
    shorten_edges(graph);
    std::vector<std::uint32_t> arrivals = count_arrivals(graph);
    merge_chains(graph, arrivals);
    drop_unreachable(graph, arrivals);
}

void cut_fruitless(Graph& graph) {
    for (std::size_t index = graph.blocks.size(); index-- > 0;) {
        Block& block = graph.blocks[index];
        bool fruitless = !std::holds_alternative<Return>(block.end) || is_return_of_zero(block.end);
        for_each_successor(block, [&](BlockIndex next) {
            fruitless = fruitless && is_return_of_zero(graph.blocks[next].end) && graph.blocks[next].ops.empty();
        });
        if (fruitless) {
            block = Block{};
        }
    }
}

} // namespace pfild::cbpf::jit
