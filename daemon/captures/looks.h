// SPDX-License-Identifier: BSD-2-Clause
// When the tap's ring is looked at: often while packets come, never while none do. So a packet is with its reader
// within a millisecond, and a flood wakes nobody.
//
//      asleep --wake_up()--> every 400 us --few packets--> up to every 1.6 ms --8 empty looks--> asleep
//
// Plain values; one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pfild::captures {

class Looks {
  public:
    using Period = std::chrono::microseconds; ///< to the next look; 0: asleep, a packet wakes up

    static constexpr Period kAtOnce{1}; ///< when requests have been looked at
    static constexpr Period kShortest{400};
    static constexpr Period kLongest{1600}; ///< when nobody waits for a single packet, and few come
    static constexpr unsigned kBeforeSleep = 8;
    static constexpr unsigned kMostPauses = kLongest / kShortest; ///< from one look to the next
    static constexpr std::size_t kFew = 64;                       ///< packets in a look
    static constexpr std::size_t kMany = 512;
    static constexpr std::uint32_t kFastest = 4096; ///< bytes of records in a microsecond, that the ring must hold

    /// => of the ring.
    explicit Looks(std::uint32_t ring_bytes) : ring_bytes_(ring_bytes) {}

    [[nodiscard]] Period period() const noexcept { return period_; }
    void wake_up() noexcept;
    /// A reader is busy, and nobody waits for a single packet: the look is left out, unless too many were.
    [[nodiscard]] bool may_pause(bool urgent) const noexcept { return pauses_ < kMostPauses && !urgent; }
    void paused() noexcept;
    /// Packets were taken out of turn.
    void taken() noexcept { pauses_ = 0; }
    /// After a look that took so many. more: there may be more now. urgent: somebody waits for single packets.
    void looked(std::size_t packets, bool more, bool urgent) noexcept;

  private:
    std::uint32_t ring_bytes_;
    Period period_{0};
    unsigned empty_ = 0;
    unsigned pauses_ = 0; ///< since packets were taken
};

} // namespace pfild::captures
