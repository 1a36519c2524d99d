// SPDX-License-Identifier: BSD-2-Clause
// What hooks count: packets and their bytes, as the hook sees them.
#pragma once

#include <atomic>
#include <cstdint>

namespace pfild::core {

/// What a hook was asked about, what of it matched, and what was dropped. Each number only grows.
struct HookTally {
    std::uint64_t seen_packets = 0;
    std::uint64_t seen_bytes = 0;
    std::uint64_t matched_packets = 0;
    std::uint64_t matched_bytes = 0;
    std::uint64_t dropped_packets = 0;
    std::uint64_t dropped_bytes = 0;

    HookTally& operator+=(const HookTally& other) {
        seen_packets += other.seen_packets;
        seen_bytes += other.seen_bytes;
        matched_packets += other.matched_packets;
        matched_bytes += other.matched_bytes;
        dropped_packets += other.dropped_packets;
        dropped_bytes += other.dropped_bytes;
        return *this;
    }
    friend HookTally operator+(HookTally left, const HookTally& right) { return left += right; }
    friend bool operator==(const HookTally&, const HookTally&) = default;
};

/// Counted by one thread and read by any: a load and a store, no locked instruction.
class PacketTally {
  public:
    void add(std::uint32_t bytes) noexcept {
        packets_.store(packets_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        bytes_.store(bytes_.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t packets() const noexcept { return packets_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> packets_{0};
    std::atomic<std::uint64_t> bytes_{0};
};

} // namespace pfild::core
