// SPDX-License-Identifier: BSD-2-Clause
#include "cbpf/jit/guard.h"

#include <algorithm>
#include <bit>

#include "cbpf/jit/passes.h"

namespace pfild::cbpf::jit {
namespace {

/// The constant that a block returns, if that is all it does.
std::optional<std::uint32_t> constant_of(const Block& block) {
    const auto* end = std::get_if<Return>(&block.end);
    return end != nullptr && block.ops.empty() ? end->constant : std::nullopt;
}

} // namespace

Guard take_guard(Graph& graph) {
    static_assert(std::endian::native == std::endian::little);
    Block& block = graph.blocks.front();
    const auto* branch = std::get_if<Branch>(&block.end);
    const auto* match = branch != nullptr ? std::get_if<Match>(&branch->test) : nullptr;
    const auto* require = block.ops.size() == 1 ? std::get_if<Require>(&block.ops.front()) : nullptr;
    if (match == nullptr || require == nullptr || match->place.base != Base::kPacket ||
        require->base != Base::kPacket || require->end < Guard::kWindow) {
        return {};
    }
    const std::optional<std::uint32_t> otherwise = constant_of(graph.blocks[branch->no]);
    if (!otherwise) {
        return {};
    }
    Guard guard{.need = require->end, .otherwise = *otherwise};
    guard.start = std::min(match->place.offset, require->end - Guard::kWindow); // no read behind what is required
    const std::uint32_t shift = 8 * (match->place.offset - guard.start);
    guard.mask = match->mask << shift;
    guard.value = match->value << shift;
    if (const auto result = constant_of(graph.blocks[branch->yes])) {
        guard.result = *result;
    }
    block.ops.clear();
    block.end = Goto{branch->yes};
    straighten(graph);
    return guard;
}

} // namespace pfild::cbpf::jit
