// SPDX-License-Identifier: BSD-2-Clause
#include "core/flow/flow_index.h"

#include <algorithm>
#include <iterator>

#include "core/flow/flow_entry.h"

namespace pfild::core {
namespace {

// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
class SplitMix {
  public:
    explicit SplitMix(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t mixed = (state_ ^ state_ >> 30U) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ mixed >> 27U) * 0x94d049bb133111eb;
        return mixed ^ mixed >> 31U;
    }

  private:
    std::uint64_t state_;
};

pfild_flow_hash hash_of(const FlowKey& key, const FlowMemory& memory) noexcept {
    return pfild_flow_hash_of(&key, memory.state);
}

} // namespace

FlowIndex::FlowIndex(const FlowMemory& memory, std::uint64_t seed) : memory_(memory) {
    pfild_flow_state& state = *memory_.state;
    if (read(state.layout) == PFILD_FLOW_LAYOUT) {
        return;
    }
    SplitMix random(seed);
    for (__u32& word : state.hash_words) {
        word = static_cast<__u32>(random.next());
    }
    for (__u64& spread : state.hash_spread) {
        spread = random.next() | 1U;
    }
    state.index_shift = static_cast<__u32>(64 - std::countr_zero(memory_.buckets.size()));
    write(state.layout, __u32{PFILD_FLOW_LAYOUT});
}

std::vector<bool> FlowIndex::adopt() {
    const auto for_each_hint = [&](const auto& work) {
        for (pfild_flow_bucket& bucket : memory_.buckets) {
            std::for_each(std::begin(bucket.hint), std::end(bucket.hint), work);
        }
    };
    for_each_hint([&](__u64& hint) {
        if (PFILD_HINT_PLACE(hint) >= memory_.entries.size()) {
            write(hint, __u64{0});
        }
    });
    std::vector<bool> found(memory_.entries.size());
    for_each_hint([&](__u64& hint) {
        if (hint == 0) {
            return;
        }
        const FlowKey key = read_key(memory_.entries[PFILD_HINT_PLACE(hint)]);
        if (in_use(key) && hint_of(key) == &hint) {
            found[PFILD_HINT_PLACE(hint)] = true;
        } else {
            write(hint, __u64{0});
        }
    });
    return found;
}

__u64* FlowIndex::hint_of(const FlowKey& key) const noexcept {
    const pfild_flow_hash hash = hash_of(key, memory_);
    for (const __u32 bucket : hash.bucket) {
        for (__u64& hint : memory_.buckets[bucket].hint) {
            if (hint != 0 && PFILD_HINT_TAG(hint) == hash.tag &&
                same(memory_.entries[PFILD_HINT_PLACE(hint)].key, key)) {
                return &hint;
            }
        }
    }
    return nullptr;
}

std::optional<std::uint32_t> FlowIndex::find(const FlowKey& key) const noexcept {
    const __u64* hint = hint_of(key);
    return hint != nullptr ? std::optional(PFILD_HINT_PLACE(*hint)) : std::nullopt;
}

bool FlowIndex::insert(const FlowKey& key, std::uint32_t place) noexcept {
    const pfild_flow_hash hash = hash_of(key, memory_);
    for (const __u32 bucket : hash.bucket) {
        for (__u64& hint : memory_.buckets[bucket].hint) {
            if (hint == 0) {
                write(hint, PFILD_HINT(hash.tag, place));
                return true;
            }
        }
    }
    return false;
}

void FlowIndex::erase(const FlowKey& key) noexcept {
    if (__u64* hint = hint_of(key)) {
        write(*hint, __u64{0});
    }
}

} // namespace pfild::core
