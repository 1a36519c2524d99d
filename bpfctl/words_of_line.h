// SPDX-License-Identifier: BSD-2-Clause
// A line as a shell would split it: blanks part words, quotes keep them together, # begins a comment. Nothing is
// expanded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pfild::bpfctl {

/// Nothing: a quote is not closed, or the line ends in a backslash.
[[nodiscard]] std::optional<std::vector<std::string>> words_of_line(std::string_view line);

} // namespace pfild::bpfctl
