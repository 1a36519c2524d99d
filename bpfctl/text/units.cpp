// SPDX-License-Identifier: BSD-2-Clause
// See units.h.
#include "bpfctl/text/units.h"

#include <array>

namespace pfild::bpfctl {

std::string bytes(std::uint64_t count) {
    constexpr std::array<std::string_view, 7> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    while (unit + 1 < kUnits.size() && count >> (10 * (unit + 1)) != 0) {
        ++unit;
    }
    const std::uint64_t one = std::uint64_t{1} << (10 * unit);
    std::string text = std::to_string(count / one);
    if (const std::uint64_t rest = count % one; rest != 0) {
        text += '.' + std::to_string((rest >> (10 * (unit - 1))) * 10 / 1024);
    }
    return text + ' ' + std::string(kUnits[unit]);
}

std::string duration(std::uint64_t seconds) {
    constexpr std::uint64_t kMinute = 60;
    constexpr std::uint64_t kHour = 60 * kMinute;
    constexpr std::uint64_t kDay = 24 * kHour;
    const auto say = [](std::uint64_t count, const char* unit) { return std::to_string(count) + ' ' + unit; };
    if (seconds < kMinute) {
        return say(seconds, "s");
    }
    if (seconds < kHour) {
        return say(seconds / kMinute, "min") + ' ' + say(seconds % kMinute, "s");
    }
    if (seconds < kDay) {
        return say(seconds / kHour, "h") + ' ' + say(seconds % kHour / kMinute, "min");
    }
    return say(seconds / kDay, "d") + ' ' + say(seconds % kDay / kHour, "h");
}

std::string counted(std::uint64_t count, std::string_view noun) {
    return std::to_string(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

} // namespace pfild::bpfctl
