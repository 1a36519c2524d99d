// SPDX-License-Identifier: BSD-2-Clause
// What `bpfctl monitor` shows of a change.
#pragma once

#include <string>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

/// "2026-11-30 09:41:02 link cbpf:a inet: by user 0, process 1234" in local time, with a newline; before it a line for
/// changes that were missed. Empty: it is no change, but where the following begins.
[[nodiscard]] std::string change_line(const Json& change);

} // namespace pfild::bpfctl
