// SPDX-License-Identifier: BSD-2-Clause
// The flow table: which flows the kernel may answer by itself. Layout, hand-over and generations: include/pfild/flow.h.
//
//      a packet was decided --note()--> entry, credit, decision ----- shared memory -----> heads
//                                              FlowIndex: key -> place
//
// Life of an entry: made by the first canonical packet whose answer holds for its whole flow; removed when it was idle
// for too long, when its interface goes, or on request. A full table refuses new flows and counts them: they go through
// the engine, packet by packet. An entry that has answered nothing yet lives kUntriedNs only, so that a flood of first
// packets does not fill the table for long. A place is not given to another flow while a head may still be looking at
// it.
//
// Engine thread only; FlowCounters may be read by any thread. Allocates when it is made, and never again.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/direction.h"
#include "core/flow/flow_index.h"
#include "core/flow/flow_key.h"
#include "pfild/flow.h"

namespace pfild::core {

/// How long an entry lives without a packet, nanoseconds.
struct FlowTimeouts {
    std::uint64_t tcp_ns = 300'000'000'000;
    std::uint64_t other_ns = 60'000'000'000;

    [[nodiscard]] std::uint64_t of(const FlowKey& key) const;
};
/// The same for an entry of which the engine saw one packet and the kernel none, if that is shorter.
inline constexpr std::uint64_t kUntriedNs = 10'000'000'000;

/// Slots from..to - 1; all of them if nothing is said.
struct SlotRange {
    std::size_t from = 0;
    std::size_t to = SIZE_MAX;
};

enum class FlowCounter : std::uint8_t {
    kInUse,
    kCreated,
    kExpired, ///< removed because idle
    kRemoved, ///< removed on request, or with their interface
    kRefused, ///< packets whose flow found no room
};
inline constexpr std::array<std::string_view, 5> kFlowCounterNames{"in_use", "created", "expired", "removed",
                                                                   "refused"};

/// What the engine did with a packet, as far as the table is concerned.
struct DecidedPacket {
    FlowKey key;
    Direction direction = Direction::kIn;
    std::uint16_t incarnation = 0; ///< of its label
    bool passed = false;           ///< goes on its way; else it ended in the engine
    bool alone = false;            ///< no other packet of the flow can be behind it yet
    bool lasts = false;            ///< the answer holds for every canonical packet of the flow
    std::uint32_t generation = 0;
    std::uint64_t now_ns = 0; ///< CLOCK_MONOTONIC_COARSE
};

class FlowTable {
  public:
    using Counters = std::array<std::atomic<std::uint64_t>, kFlowCounterNames.size()>;

    /// Takes over the entries that the memory holds, from an earlier run or none. => the memory outlives it, and is
    /// zero where no earlier run has used it. seed: secret.
    FlowTable(const FlowMemory& memory, FlowTimeouts timeouts, std::uint64_t seed);
    FlowTable(const FlowTable&) = delete;
    FlowTable& operator=(const FlowTable&) = delete;
    ~FlowTable() = default;

    /// => before the packet is sent on: its way back is counted by the head.
    void note(const DecidedPacket& packet) noexcept;
    /// Removes what is idle, a part of the table at a time: all of it is looked at within kSweepNs, if this is called
    /// often enough. Cheap when it is called again soon. True: there is more to do already.
    bool age(std::uint64_t now_ns) noexcept;
    /// Removes the flows in these entries for which `unwanted` is true. Returns how many.
    std::size_t remove_if(const std::function<bool(const FlowKey&)>& unwanted, std::uint64_t now_ns,
                          SlotRange range = {});

    [[nodiscard]] pfild_flow* find(const FlowKey& key) noexcept;
    [[nodiscard]] std::uint64_t counter(FlowCounter which) const noexcept {
        return counters_[static_cast<std::size_t>(which)].load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::size_t capacity() const { return entries_.size(); }

  private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr std::uint64_t kSweepNs = 10'000'000'000;

    struct FreeSlot {
        std::uint32_t place;
        std::uint64_t freed_ns;
    };

    [[nodiscard]] pfild_flow* create(const FlowKey& key, std::uint64_t now_ns) noexcept;
    void remove(std::uint32_t place, std::uint64_t now_ns, FlowCounter why) noexcept;
    void free(std::uint32_t place, std::uint64_t now_ns) noexcept;
    void add(FlowCounter which, std::uint64_t count) noexcept;

    std::span<pfild_flow> entries_;
    FlowIndex index_;
    FlowTimeouts timeouts_;
    std::uint32_t
        incarnation_; ///< the last that was given; one row for all entries, so a label of before fits no new entry
    std::vector<FreeSlot> free_; ///< a ring, the longest free first
    std::size_t first_free_ = 0;
    std::size_t free_count_ = 0;
    std::size_t next_to_age_ = 0;
    std::uint64_t aged_ns_ = 0;
    Counters counters_{};
};

} // namespace pfild::core
