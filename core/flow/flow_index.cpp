// SPDX-License-Identifier: BSD-2-Clause
#include "core/flow/flow_index.h"

#include <algorithm>
#include <iterator>

#include "core/flow/flow_slot.h"

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

pfild_flow_place place_of(const FlowKey& key, const FlowMemory& memory) noexcept {
    return pfild_flow_place_of(&key, memory.state);
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
    const auto for_each_entry = [&](const auto& work) {
        for (pfild_flow_bucket& bucket : memory_.buckets) {
            std::for_each(std::begin(bucket.entry), std::end(bucket.entry), work);
        }
    };
    for_each_entry([&](__u64& entry) {
        if (PFILD_ENTRY_SLOT(entry) >= memory_.slots.size()) {
            write(entry, __u64{0});
        }
    });
    std::vector<bool> found(memory_.slots.size());
    for_each_entry([&](__u64& entry) {
        if (entry == 0) {
            return;
        }
        const FlowKey key = read_key(memory_.slots[PFILD_ENTRY_SLOT(entry)]);
        if (in_use(key) && entry_of(key) == &entry) {
            found[PFILD_ENTRY_SLOT(entry)] = true;
        } else {
            write(entry, __u64{0});
        }
    });
    return found;
}

__u64* FlowIndex::entry_of(const FlowKey& key) const noexcept {
    const pfild_flow_place place = place_of(key, memory_);
    for (const __u32 bucket : place.bucket) {
        for (__u64& entry : memory_.buckets[bucket].entry) {
            if (entry != 0 && PFILD_ENTRY_TAG(entry) == place.tag &&
                same(memory_.slots[PFILD_ENTRY_SLOT(entry)].key, key)) {
                return &entry;
            }
        }
    }
    return nullptr;
}

std::optional<std::uint32_t> FlowIndex::find(const FlowKey& key) const noexcept {
    const __u64* entry = entry_of(key);
    return entry != nullptr ? std::optional(PFILD_ENTRY_SLOT(*entry)) : std::nullopt;
}

bool FlowIndex::insert(const FlowKey& key, std::uint32_t slot) noexcept {
    const pfild_flow_place place = place_of(key, memory_);
    for (const __u32 bucket : place.bucket) {
        for (__u64& entry : memory_.buckets[bucket].entry) {
            if (entry == 0) {
                write(entry, PFILD_ENTRY(place.tag, slot));
                return true;
            }
        }
    }
    return false;
}

void FlowIndex::erase(const FlowKey& key) noexcept {
    if (__u64* entry = entry_of(key)) {
        write(*entry, __u64{0});
    }
}

} // namespace pfild::core
