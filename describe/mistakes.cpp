// SPDX-License-Identifier: BSD-2-Clause
// See describe/mistakes.h.
#include "describe/mistakes.h"

#include <utility>

namespace pfild::describe {

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kShown = 40;
    std::string shown = "'";
    for (const char c : text.substr(0, kShown)) {
        shown += c >= ' ' && c <= '~' ? c : '?';
    }
    return shown + (text.size() > kShown ? "...'" : "'");
}

std::string one_of(std::span<const std::string_view> words) {
    std::string list;
    for (std::size_t i = 0; i < words.size(); ++i) {
        list += i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
        list += "'" + std::string(words[i]) + "'";
    }
    return list;
}

void Reading::refuse(Place place, std::string why, std::string advice) {
    ++refused_;
    if (wants_more()) {
        mistakes_.push_back({place, path(), std::move(why), std::move(advice)});
    }
}

std::string Reading::path() const {
    constexpr std::size_t kShown = 64; // of a name that somebody else has chosen
    std::string text;
    for (const auto& step : path_) {
        if (const auto* const item = std::get_if<std::size_t>(&step)) {
            text += '[' + std::to_string(*item + manner_.first_index) + ']';
            continue;
        }
        text += text.empty() ? "" : ".";
        for (const char c : std::get<std::string_view>(step).substr(0, kShown)) {
            text += c > ' ' && c <= '~' ? c : '?';
        }
    }
    return text;
}

} // namespace pfild::describe
