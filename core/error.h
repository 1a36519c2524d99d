// SPDX-License-Identifier: BSD-2-Clause
// What a failed operation says: one line that a person can act on, and an errno that a program can.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace pfild::core {

/// An error as a value. Lower layers return it, the top reports it once.
struct Error {
    std::string what;   ///< the operation: "attach"
    std::string object; ///< what it was done to: "eth0"; may be empty
    std::string why;    ///< the reason, in words: "no such interface"
    std::string advice; ///< what to do about it; may be empty
    int code = 0;       ///< errno(3), never 0 in a returned Error

    /// One line, no newline: `what object: why (advice)`.
    [[nodiscard]] std::string line() const {
        std::string text = what;
        if (!object.empty()) {
            text += ' ' + object;
        }
        text += ": " + why;
        if (!advice.empty()) {
            text += " (" + advice + ')';
        }
        return text;
    }
};

template <typename T>
using Result = tl::expected<T, Error>;

/// Shorthand for `return fail({...})`.
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) { return tl::make_unexpected(std::move(error)); }

} // namespace pfild::core
