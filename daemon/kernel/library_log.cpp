// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/kernel/library_log.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include <spdlog/spdlog.h>

namespace pfild::kernel {

int log_library(bool debug, const char* format, va_list arguments) {
    std::array<char, 1024> text{};
    const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
    std::string_view line(text.data(), std::min<std::size_t>(length < 0 ? 0 : length, text.size() - 1));
    while (line.ends_with('\n')) {
        line.remove_suffix(1);
    }
    if (!line.empty()) {
        spdlog::log(debug ? spdlog::level::trace : spdlog::level::debug, "{}", line);
    }
    return 0;
}

} // namespace pfild::kernel
