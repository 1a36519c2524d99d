// SPDX-License-Identifier: BSD-2-Clause
// What somebody may have meant who wrote a name that is not known.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pfild::describe {

/// "did you mean 'unknown'?", if one of the names is so near; else "known: a, b, c".
[[nodiscard]] std::string advice_for(std::string_view written, std::span<const std::string_view> known);

} // namespace pfild::describe
