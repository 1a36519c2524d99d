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
    std::span<pfild_flow> slots;
    std::span<pfild_flow_bucket> buckets; ///< flow_buckets(slots.size()) of them
    pfild_flow_state* state = nullptr;
};

/// How many buckets so many slots need: four to eight entries for each slot, so that a new flow of a full table finds
/// no room in both of its buckets about once in a million.
[[nodiscard]] constexpr std::size_t flow_buckets(std::size_t slots) noexcept {
    constexpr std::size_t kFewest = 16;
    return std::bit_ceil(std::max(slots * 4 / PFILD_BUCKET_ENTRIES, kFewest));
}

class FlowIndex {
  public:
    /// Gives a state that has none its hash, made of `seed`, which must be secret; an index that heads may be reading
    /// keeps its own. => memory outlives it; at most 2^31 slots.
    FlowIndex(const FlowMemory& memory, std::uint64_t seed);

    /// Removes every entry that does not lead from a key to the slot that holds it, whatever an earlier run has left;
    /// heads that use the others notice nothing. Returns, by slot, whether its key leads to it.
    [[nodiscard]] std::vector<bool> adopt();

    /// The slot of a key; nothing if there is none.
    [[nodiscard]] std::optional<std::uint32_t> find(const FlowKey& key) const noexcept;
    /// => the slot holds the key. False: there is no room.
    [[nodiscard]] bool insert(const FlowKey& key, std::uint32_t slot) noexcept;
    /// Nothing there is no error.
    void erase(const FlowKey& key) noexcept;

  private:
    [[nodiscard]] __u64* entry_of(const FlowKey& key) const noexcept;

    FlowMemory memory_;
};

} // namespace pfild::core
