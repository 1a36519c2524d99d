// SPDX-License-Identifier: BSD-2-Clause
// See daemon/sys/close_together.h.
#include "daemon/sys/close_together.h"

#include <algorithm>
#include <exception>
#include <thread>

namespace pfild::sys {

void close_together(std::vector<Fd> all) noexcept {
    constexpr std::size_t kMostThreads = 32;
    const std::size_t count = std::min(all.size(), kMostThreads);
    std::vector<std::thread> threads;
    try {
        threads.reserve(count);
        for (std::size_t first = 0; first < count; ++first) {
            threads.emplace_back([&all, first, count] {
                for (std::size_t i = first; i < all.size(); i += count) {
                    all[i].reset();
                }
            });
        }
    } catch (const std::exception&) { // no thread, or no memory, to be had: `all` closes what is left
    }
    for (std::thread& one : threads) {
        one.join();
    }
}

} // namespace pfild::sys
