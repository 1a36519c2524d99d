// SPDX-License-Identifier: BSD-2-Clause
// Why bpfctl does not exit with 0, for a person (one line), for a program (one JSON object) and for a script (a
// number).
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <tl/expected.hpp>

#include "bpfctl/json.h"
#include "core/error.h"

namespace pfild::bpfctl {

/// The exit codes; scripts rely on them.
enum class Exit : std::uint8_t {
    kOk = 0,
    kRefused = 1,     ///< the daemon refused, or the filter is none
    kUsage = 2,       ///< the command line is wrong; nothing was asked
    kUnreachable = 3, ///< no daemon, or it did not answer
    kUnrecorded = 4,  ///< done and in force, but what comes after this daemon will not know of it
};

struct Failure {
    Exit exit = Exit::kRefused;
    core::Error error;
    std::string errno_name; ///< as the daemon said it; empty: the name of error.code
};

template <typename T>
using Outcome = tl::expected<T, Failure>;

[[nodiscard]] inline tl::unexpected<Failure> fail(Exit exit, core::Error error) {
    return tl::make_unexpected(Failure{exit, std::move(error), {}});
}

/// `bpfctl: what object: why (advice)`, without a newline and without control characters.
[[nodiscard]] std::string line_of(const Failure& failure);

/// `{"error": {"errno": …, "what": …, "object": …, "why": …, "advice": …}}`, as the control protocol writes errors.
[[nodiscard]] Json json_of(const Failure& failure);

/// Standard output takes no more: with errno as the stream left it, which the caller has set to 0 before he wrote.
[[nodiscard]] core::Error unwritten_output();

} // namespace pfild::bpfctl
