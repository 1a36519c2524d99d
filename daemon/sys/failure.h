// SPDX-License-Identifier: BSD-2-Clause
// From errno to core::Error, and from its number to its symbolic name.
#pragma once

#include <cstring>
#include <string>
#include <utility>

#include "core/error.h"

namespace pfild::sys {

/// "EINVAL"; a number nobody has named comes back as "E<number>", so the answer is never empty.
[[nodiscard]] inline std::string errno_name(int number) {
    const char* const name = ::strerrorname_np(number);
    return name != nullptr ? name : "E" + std::to_string(number);
}

/// The C library's words for it, beginning in lower case.
[[nodiscard]] inline std::string errno_text(int number) {
    const char* const text = ::strerrordesc_np(number);
    if (text == nullptr) {
        return "error " + std::to_string(number);
    }
    std::string words = text;
    if (words.size() > 1 && words[0] >= 'A' && words[0] <= 'Z' && words[1] >= 'a' && words[1] <= 'z') {
        words[0] = static_cast<char>(words[0] - 'A' + 'a');
    }
    return words;
}

/// A system call failed with `number`: `what object: the system's words`.
[[nodiscard]] inline tl::unexpected<core::Error> failed(std::string what, std::string object, int number) {
    return core::fail({std::move(what), std::move(object), errno_text(number), "", number});
}

} // namespace pfild::sys
