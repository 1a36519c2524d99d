// SPDX-License-Identifier: BSD-2-Clause
// Reading JSON that somebody else wrote: a member that is missing or of another type is a value too ("?", nothing, an
// empty list), never an exception. All text that reaches a terminal goes through printable().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

/// The text with every control character (newlines and escape sequences of a terminal among them) as '?'.
[[nodiscard]] std::string printable(std::string text);

/// The member, or a null value if there is none or this is no object. Lives as long as the object.
[[nodiscard]] const Json& member(const Json& object, std::string_view key);

[[nodiscard]] std::string text(const Json& object, std::string_view key);                    ///< "?" if it is no string
[[nodiscard]] std::optional<std::uint64_t> number(const Json& object, std::string_view key); ///< unsigned
[[nodiscard]] std::optional<double> decimal(const Json& object, std::string_view key);       ///< 0 to 2^53
[[nodiscard]] std::string digits(const Json& object, std::string_view key);                  ///< "?" if it is no number
[[nodiscard]] bool flag(const Json& object, std::string_view key);                      ///< false unless it is true
[[nodiscard]] std::vector<std::string> texts(const Json& object, std::string_view key); ///< strings of a list

/// "a, b, c"; `none` if there are none.
[[nodiscard]] std::string joined(const std::vector<std::string>& words, std::string_view none);

} // namespace pfild::bpfctl
