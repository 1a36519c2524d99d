// SPDX-License-Identifier: BSD-2-Clause
// What the programs of the bench share: the CPU they stay on, the clock, and how they are read while they run.
//
// A reading: a line on stdin, answered on stdout by {"ns": monotonic clock, "count": so far}. The end of stdin ends the
// program, so none outlives the bench.
#pragma once

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <sched.h>

namespace pfild::bench {

inline constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;

[[nodiscard]] inline std::uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * kNanosPerSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

/// Keeps this thread, and those that it starts, on one CPU.
[[nodiscard]] inline bool stay_on(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/// One line on stderr; the exit code of what failed.
inline int die(const char* what, int error) {
    std::fprintf(stderr, "%s: %s\n", what, std::strerror(error < 0 ? -error : error));
    return 1;
}

/// Answers readings of `count()` until stdin ends.
template <typename Count>
void answer_readings(const Count& count) {
    std::printf("{\"ready\": true}\n");
    std::fflush(stdout);
    for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) {
        if (byte == '\n') {
            const std::uint64_t at_ns = now_ns();
            std::printf("{\"ns\": %lu, \"count\": %lu}\n", at_ns, static_cast<std::uint64_t>(count()));
            std::fflush(stdout);
        }
    }
}

/// For counters with one writer: a load and a store.
inline void add_to(std::atomic<std::uint64_t>& counter, std::uint64_t by) {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

} // namespace pfild::bench
