// SPDX-License-Identifier: BSD-2-Clause
// A line from the control socket as a result or an error. Pure; for any bytes at all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bpfctl/failure.h"
#include "bpfctl/json.h"

namespace pfild::bpfctl {

/// What an answer may hold at most. Deeper nesting would overflow the stack when it is printed; members of an object
/// are searched one by one.
inline constexpr int kMaxDepth = 32;
inline constexpr int kMaxMembers = 1024;

/// The result of `{"id": id, "ok": true, "result": {…}}`, with `unrecorded` and `remark` of the answer as members if
/// they are there; the error of an answer that is not ok, as Exit::kRefused; Exit::kUnreachable if the line is no
/// answer to this question. `socket` names the daemon in that last error.
[[nodiscard]] Outcome<Json> parse_answer(std::string_view line, std::uint64_t id, const std::string& socket);

} // namespace pfild::bpfctl
