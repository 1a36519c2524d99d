// SPDX-License-Identifier: BSD-2-Clause
// Texts of help, fit to a width. A help text is written like this:
//
//     A paragraph, whose lines belong together          lines without indentation are filled anew
//       label    a text that may go on                  text behind two blanks stays in its column
//                on lines that begin in that column
//     Example:                                          indented lines behind this word are left as they are:
//       bpfctl ...                                      a command is copied as a whole
//
// Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pfild::bpfctl {

inline constexpr std::size_t kHelpWidth = 80;

[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width = kHelpWidth);

} // namespace pfild::bpfctl
