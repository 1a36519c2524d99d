// SPDX-License-Identifier: BSD-2-Clause
// What a hook does with packets that its program matches.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace pfild::core {

enum class OnMatch : std::uint8_t { kDrop, kPass, kCount };

inline constexpr std::size_t kOnMatches = 3;
inline constexpr std::array<std::string_view, kOnMatches> kOnMatchNames{"drop", "pass", "count"};
static_assert(static_cast<std::size_t>(OnMatch::kCount) + 1 == kOnMatches);

[[nodiscard]] constexpr std::string_view name(OnMatch on_match) {
    return kOnMatchNames[static_cast<std::size_t>(on_match)];
}

/// The value called `text`, or nothing.
[[nodiscard]] constexpr std::optional<OnMatch> on_match_named(std::string_view text) {
    for (std::size_t i = 0; i < kOnMatches; ++i) {
        if (kOnMatchNames[i] == text) {
            return static_cast<OnMatch>(i);
        }
    }
    return std::nullopt;
}

} // namespace pfild::core
