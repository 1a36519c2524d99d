// SPDX-License-Identifier: BSD-2-Clause
// What the time is, in nanoseconds.
#pragma once

#include <cstdint>
#include <ctime>

namespace pfild::sys {

/// CLOCK_MONOTONIC, unless asked for another: it does not jump, and timers of sys::Loop and bpf_ktime_get_ns() count
/// with it.
[[nodiscard]] inline std::uint64_t now_ns(clockid_t clock = CLOCK_MONOTONIC) noexcept {
    constexpr std::uint64_t kNanoseconds = 1'000'000'000;
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kNanoseconds + static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace pfild::sys
