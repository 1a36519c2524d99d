// SPDX-License-Identifier: BSD-2-Clause
// Which run of the kernel this is. What was left in another one is not about heads that are there now.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

namespace pfild::sys {

/// The kernel's random id of this boot. PFILD_BOOT_ID_FILE names another file to read it from, for tests.
[[nodiscard]] inline std::string boot_id() {
    const char* const other = std::getenv("PFILD_BOOT_ID_FILE"); // NOLINT(concurrency-mt-unsafe): at start, one thread
    std::ifstream file(other != nullptr ? other : "/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

/// Time since this boot, also while the machine slept.
[[nodiscard]] inline std::uint64_t since_boot_ns() noexcept {
    timespec now{};
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace pfild::sys
