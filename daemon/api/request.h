// SPDX-License-Identifier: BSD-2-Clause
// A line of the control socket as a Request, or why it is none. The bytes are hostile: nothing they hold makes this
// throw, recurse deeper than kMaxDepth or keep more than the line itself needs. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/error.h"

namespace pfild::api {

inline constexpr std::uint64_t kProtocol = 1;
inline constexpr std::size_t kMaxRequestBytes = 262'144; ///< with the newline
inline constexpr int kMaxDepth = 32;                     ///< of nested arrays and objects

struct Request {
    std::uint64_t id = 0;
    std::string verb;
    nlohmann::json arguments; ///< an object, perhaps empty
};

/// Why a line is no request, and the id that the answer carries: 0 unless the line had a good one.
struct Refusal {
    std::uint64_t id = 0;
    core::Error error;
};

/// `line` without its newline. EINVAL; EPROTONOSUPPORT.
[[nodiscard]] tl::expected<Request, Refusal> parse_request(std::string_view line);

} // namespace pfild::api
