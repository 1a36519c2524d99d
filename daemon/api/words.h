// SPDX-License-Identifier: BSD-2-Clause
// The words of the control protocol for each enumeration, in the order of its values; the only place that spells them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "daemon/api/views.h"
#include "pfild/flow.h"

namespace pfild::api {

inline constexpr std::array<std::string_view, 2> kStateWords{"attached", "repairing"};
static_assert(static_cast<std::size_t>(InterfaceView::State::kRepairing) + 1 == kStateWords.size());

inline constexpr std::array<std::string_view, 3> kFlowAnswerWords{"ask", "pass", "drop"};
static_assert(PFILD_FLOW_DROP + 1 == kFlowAnswerWords.size());

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
