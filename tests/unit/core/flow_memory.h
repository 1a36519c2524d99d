// SPDX-License-Identifier: BSD-2-Clause
// Memory of a flow table that no kernel looks at.
#pragma once

#include <algorithm>
#include <iterator>
#include <vector>

#include "core/flow/flow_index.h"

namespace pfild::core {

class FlowMemoryOf {
  public:
    explicit FlowMemoryOf(std::size_t slots) : slots_(slots), buckets_(flow_buckets(slots)) {}

    [[nodiscard]] FlowMemory view() { return {.slots = slots_, .buckets = buckets_, .state = &state_}; }

    /// As a head finds a flow: by tag, and then the slot's key must be right.
    [[nodiscard]] pfild_flow* seen_by_head(const FlowKey& key) {
        const pfild_flow_place place = pfild_flow_place_of(&key, &state_);
        for (const __u32 bucket : place.bucket) {
            for (const __u64 entry : buckets_.at(bucket).entry) {
                if (entry != 0 && PFILD_ENTRY_TAG(entry) == place.tag) {
                    pfild_flow& flow = slots_.at(PFILD_ENTRY_SLOT(entry));
                    return same(flow.key, key) ? &flow : nullptr;
                }
            }
        }
        return nullptr;
    }
    /// Entries in the index.
    [[nodiscard]] std::size_t entries() const {
        std::size_t count = 0;
        for (const pfild_flow_bucket& bucket : buckets_) {
            count += static_cast<std::size_t>(
                std::count_if(std::begin(bucket.entry), std::end(bucket.entry), [](__u64 one) { return one != 0; }));
        }
        return count;
    }

  private:
    std::vector<pfild_flow> slots_;
    std::vector<pfild_flow_bucket> buckets_;
    pfild_flow_state state_{};
};

} // namespace pfild::core
