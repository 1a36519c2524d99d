// SPDX-License-Identifier: BSD-2-Clause
// How the engine says that it lives, and notices when it did not.
//
//     beats        . . . . .                  . . . . . . . . . . .          between batches, and when idle
//     told         |   |   |                               |   |   |         written for heads, 10 ms apart at least
//     silent                 250 ms|=======================|                 heads follow `silent`
//                                             |-- a second-|
//
// An engine that was silent tells nothing until it has lived for a second without a gap, and not sooner than two
// seconds after it was last believed again. So heads see at most one change a second, taken over two of them, and a
// silence begins 250 ms after the last beat all the same.
//
// After a gap of more than a second the engine has overslept: what lies in its rings is too old to be sent on.
// The engine's thread; counts and the last beat may be read by any.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "pfild/abi.h"

namespace pfild::core {

class Heartbeat {
  public:
    using Clock = std::uint64_t (*)(); ///< nanoseconds, with which heads compare

    static constexpr std::uint64_t kApartNs = 10'000'000;
    static constexpr std::uint64_t kIdleNs = 100'000'000;
    /// After such a gap heads may have found it silent: what they read may be kApartNs older than the last beat.
    static constexpr std::uint64_t kSilentNs = PFILD_SILENT_NS - kApartNs;
    static constexpr std::uint64_t kTrialNs = 1'000'000'000;
    static constexpr std::uint64_t kReturnsNs = 2'000'000'000;
    static constexpr std::uint64_t kOversleptNs = 1'000'000'000;

    /// => `told` outlives it. It beats at once.
    Heartbeat(__u64& told, Clock clock) : told_(told), clock_(clock) {
        last_.store(clock_(), std::memory_order_relaxed);
        tell(last());
    }

    /// idle: for so long it meant to sleep, with nothing to do; that is no gap of its own.
    void beat(std::uint64_t idle_ns = 0) noexcept {
        const std::uint64_t now = clock_();
        const std::uint64_t gap = now - last();
        last_.store(now, std::memory_order_relaxed);
        longest_.store(std::max(longest_ns(), gap - std::min(gap, idle_ns)), std::memory_order_relaxed);
        overslept_ = overslept_ || gap > kOversleptNs;
        if (gap > kSilentNs) {
            fall_silent(now);
        }
        if (now >= quiet_until_ && now - told_at_ >= kApartNs) {
            tell(now);
        }
    }

    /// Whether it has overslept since forget_overslept().
    [[nodiscard]] bool overslept() const { return overslept_; }
    void forget_overslept() noexcept { overslept_ = false; }

    /// When it last beat, told or not.
    [[nodiscard]] std::uint64_t last() const { return last_.load(std::memory_order_relaxed); }
    /// How often heads have found it silent.
    [[nodiscard]] std::uint64_t silences() const { return silences_.load(std::memory_order_relaxed); }
    /// The longest time between two beats, but for what it meant to sleep.
    [[nodiscard]] std::uint64_t longest_ns() const { return longest_.load(std::memory_order_relaxed); }

  private:
    void fall_silent(std::uint64_t now) noexcept {
        quiet_until_ = std::max(quiet_until_, now + kTrialNs);
        if (!quiet_) {
            quiet_ = true;
            quiet_until_ = std::max(quiet_until_, returned_ + kReturnsNs);
            silences_.store(silences() + 1, std::memory_order_relaxed);
        }
    }
    void tell(std::uint64_t now) noexcept {
        returned_ = quiet_ ? now : returned_;
        quiet_ = false;
        told_at_ = now;
        std::atomic_ref(told_).store(now, std::memory_order_relaxed);
    }

    __u64& told_;
    Clock clock_;
    std::uint64_t told_at_ = 0;
    std::uint64_t quiet_until_ = 0; ///< it tells nothing before
    std::uint64_t returned_ = 0;    ///< when heads last believed it again
    bool quiet_ = false;
    bool overslept_ = false;
    std::atomic<std::uint64_t> last_{0};
    std::atomic<std::uint64_t> silences_{0};
    std::atomic<std::uint64_t> longest_{0};
};

} // namespace pfild::core
