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
    explicit FlowMemoryOf(std::size_t entries) : entries_(entries), buckets_(flow_buckets(entries)) {}

    [[nodiscard]] FlowMemory view() { return {.entries = entries_, .buckets = buckets_, .state = &state_}; }

    /// As a head finds a flow: by tag, and then the entry's key must be right.
    [[nodiscard]] pfild_flow* seen_by_head(const FlowKey& key) {
        const pfild_flow_hash hash = pfild_flow_hash_of(&key, &state_);
        for (const __u32 bucket : hash.bucket) {
            for (const __u64 hint : buckets_.at(bucket).hint) {
                if (hint != 0 && PFILD_HINT_TAG(hint) == hash.tag) {
                    pfild_flow& flow = entries_.at(PFILD_HINT_PLACE(hint));
                    return same(flow.key, key) ? &flow : nullptr;
                }
            }
        }
        return nullptr;
    }
    /// Hints in the index.
    [[nodiscard]] std::size_t hints() const {
        std::size_t count = 0;
        for (const pfild_flow_bucket& bucket : buckets_) {
            count += static_cast<std::size_t>(
                std::count_if(std::begin(bucket.hint), std::end(bucket.hint), [](__u64 one) { return one != 0; }));
        }
        return count;
    }

  private:
    std::vector<pfild_flow> entries_;
    std::vector<pfild_flow_bucket> buckets_;
    pfild_flow_state state_{};
};

} // namespace pfild::core
