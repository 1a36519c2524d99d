// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/sys/repeats.h"

#include <utility>

#include <spdlog/spdlog.h>

namespace pfild::sys {

bool Repeats::again(const std::string& why) {
    times_++;
    std::string words = why;
    std::erase_if(words, [](char c) { return c >= '0' && c <= '9'; });
    return said_.size() < kMostReasons && said_.insert(std::move(words)).second;
}

std::uint64_t Repeats::over() {
    said_.clear();
    return std::exchange(times_, 0);
}

void Repeats::log(const std::string& what, const core::Result<void>& result) {
    if (result) {
        if (const std::uint64_t times = over(); times > 0) {
            spdlog::warn("{}: it works again, after it had failed {} times", what, times);
        }
    } else if (again(result.error().line())) {
        spdlog::error("{}: {}", what, result.error().line());
    }
}

} // namespace pfild::sys
