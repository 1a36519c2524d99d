// SPDX-License-Identifier: BSD-2-Clause
// The flow table's memory, shared with the heads, and where in it a key is found (include/pfild/flow_index.h).
//
// Engine thread only, as the one that writes. Allocates in adopt() alone.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/flow/flow_key.h"
#include "pfild/flow.h"
#include "pfild/flow_index.h"

namespace pfild::core {

struct FlowMemory {
    std::span<pfild_flow> entries;
    std::span<pfild_flow_bucket> buckets; ///< flow_buckets(entries.size()) of them
    pfild_flow_state* state = nullptr;
};

/// How many buckets so many entries need: four to eight hints for each entry, so that a new flow of a full table finds
/// no room in both of its buckets about once in a million.
[[nodiscard]] constexpr std::size_t flow_buckets(std::size_t entries) noexcept {
    constexpr std::size_t kFewest = 16;
    return std::bit_ceil(std::max(entries * 4 / PFILD_BUCKET_HINTS, kFewest));
}

class FlowIndex {
  public:
    /// Gives a state that has none its hash, made of `seed`, which must be secret; an index that heads may be reading
    /// keeps its own. => memory outlives it; at most 2^31 entries.
    FlowIndex(const FlowMemory& memory, std::uint64_t seed);

    /// Removes every hint that does not lead from a key to the entry that holds it, whatever an earlier run has left;
    /// heads that use the others notice nothing. Returns, by place, whether its key leads to it.
    [[nodiscard]] std::vector<bool> adopt();

    /// The place of a key; nothing if there is none.
    [[nodiscard]] std::optional<std::uint32_t> find(const FlowKey& key) const noexcept;
    /// => the entry there holds the key. False: there is no room.
    [[nodiscard]] bool insert(const FlowKey& key, std::uint32_t place) noexcept;
    /// Nothing there is no error.
    void erase(const FlowKey& key) noexcept;

  private:
    [[nodiscard]] __u64* hint_of(const FlowKey& key) const noexcept;

    FlowMemory memory_;
};

} // namespace pfild::core
