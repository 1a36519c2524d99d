// SPDX-License-Identifier: BSD-2-Clause
// The clock of read time-outs: it does not jump, and it is the one that timers of sys::Loop count with.
#pragma once

#include <cstdint>
#include <ctime>

namespace pfild::device {

/// CLOCK_MONOTONIC.
[[nodiscard]] inline std::uint64_t now_ns() noexcept {
    constexpr std::uint64_t kNanoseconds = 1'000'000'000;
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kNanoseconds + static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace pfild::device
