// SPDX-License-Identifier: BSD-2-Clause
// From an enumeration to its word in a table, and back.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace pfild::api {

/// The word of `value` in its table.
template <typename Enum, std::size_t N>
[[nodiscard]] constexpr std::string_view word_of(Enum value, const std::array<std::string_view, N>& words) {
    return words.at(static_cast<std::size_t>(value));
}

/// The value whose word is `text`; nothing else is understood, no prefix, no other case.
template <typename Enum, std::size_t N>
[[nodiscard]] constexpr std::optional<Enum> value_of(std::string_view text,
                                                     const std::array<std::string_view, N>& words) {
    for (std::size_t i = 0; i < N; ++i) {
        if (words[i] == text) {
            return static_cast<Enum>(i);
        }
    }
    return std::nullopt;
}

} // namespace pfild::api
