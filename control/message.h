// SPDX-License-Identifier: BSD-2-Clause
// The lines that the control socket carries, around the arguments and the results. Bytes are hostile: nothing they hold
// makes this throw, recurse deeper than the limit or keep more than a small multiple of the line.
//
//     {"protocol": 2, "id": 7, "verb": "attach", "arguments": {…}}
//     {"protocol": 2, "id": 7, "ok": true, "result": {…}}
//         "more": true, if the answer goes on; "unrecorded": why, if a change is in force and will be forgotten;
//         "remark": what else is to be known
//     {"protocol": 2, "id": 7, "ok": false, "error": {…}}
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "describe/shape.h"

namespace pfild::control {

inline constexpr std::uint64_t kProtocol = 2;
inline constexpr std::size_t kMaxRequestBytes = 262'144; ///< with the newline

struct Request {
    std::uint64_t id = 0;
    std::string verb;
    describe::Value arguments; ///< a table, perhaps empty
    bool in_memory = false;    ///< the arguments are in the memfd that came with the line
    bool force = false;        ///< past the lock-out guard
};

/// Why a line is no request, and the id that the answer carries: 0 unless the line had a good one.
struct Refusal {
    std::uint64_t id = 0;
    core::Error error;
};

/// `line` without its newline. EINVAL; EPROTONOSUPPORT.
[[nodiscard]] tl::expected<Request, Refusal> parse_request(std::string_view line);

/// The arguments that a memfd held. EINVAL.
[[nodiscard]] core::Result<describe::Value> parse_arguments(std::string_view text);

/// An error as the protocol writes it, described.
struct ErrorView {
    std::string code; ///< "EEXIST"
    std::string what;
    std::string object;
    std::string why;
    std::string advice;
};
void describe(describe::Fields& fields, ErrorView& view);
[[nodiscard]] ErrorView view_of(const core::Error& error);

/// What an answer says beside its result.
struct Beside {
    bool more = false;                     ///< it goes on
    std::optional<std::string> unrecorded; ///< why the change will be forgotten
    std::string remark;                    ///< what else is to be known; empty: nothing
};

/// One line with its newline.
[[nodiscard]] std::string success_line(std::uint64_t id, describe::Value result, const Beside& beside = {});
[[nodiscard]] std::string failure_line(std::uint64_t id, const core::Error& error);

} // namespace pfild::control
