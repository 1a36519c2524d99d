// SPDX-License-Identifier: BSD-2-Clause
// What became of the packets that a device was offered. Every packet is in exactly one place:
//
//      received = captured + filtered
//      captured = delivered + dropped + buffered + flushed       buffered: records in store and hold at this moment
//
// `lost` tells which of the dropped ones never came as far as the filter: the tap could not take them. Nobody knows
// whether the filter would have wanted them, so they count as received, captured and dropped: `dropped` may be too
// high for a selective filter, it is never too low. Packets, not bytes. A plain value.
#pragma once

#include <cstdint>

namespace pfild::capture {

struct DeviceCounts {
    std::uint64_t received = 0;  ///< offered to the filter, or lost (BD-50)
    std::uint64_t captured = 0;  ///< wanted by the filter, also when dropped next (BD-54), or lost
    std::uint64_t filtered = 0;  ///< not wanted
    std::uint64_t delivered = 0; ///< taken by a reader
    std::uint64_t dropped = 0;   ///< no room in store and hold (BD-55), or lost
    std::uint64_t lost = 0;      ///< of the dropped: never judged
    std::uint64_t flushed = 0;   ///< thrown away unread: flush, new filter, close

    /// => every member is at least that of `earlier`.
    [[nodiscard]] DeviceCounts since(const DeviceCounts& earlier) const {
        return {.received = received - earlier.received,
                .captured = captured - earlier.captured,
                .filtered = filtered - earlier.filtered,
                .delivered = delivered - earlier.delivered,
                .dropped = dropped - earlier.dropped,
                .lost = lost - earlier.lost,
                .flushed = flushed - earlier.flushed};
    }
    void add(const DeviceCounts& other) {
        received += other.received;
        captured += other.captured;
        filtered += other.filtered;
        delivered += other.delivered;
        dropped += other.dropped;
        lost += other.lost;
        flushed += other.flushed;
    }
    [[nodiscard]] bool balanced(std::uint64_t buffered) const {
        return received == captured + filtered && captured == delivered + dropped + buffered + flushed &&
               lost <= dropped;
    }

    friend bool operator==(const DeviceCounts&, const DeviceCounts&) = default;
};

} // namespace pfild::capture
