// SPDX-License-Identifier: BSD-2-Clause
// Rules that cannot work: those that match no packet of their type. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "cbpf/program.h"
#include "config/model.h"

namespace pfild::config {

/// Why a hook with that program is refused; nothing: it can match something, is bytecode that asks nothing of a packet
/// (`ret #0`: who writes that means it), or is to be taken all the same.
[[nodiscard]] std::optional<std::string> matchless(const Hook& hook, const cbpf::Program& program);

} // namespace pfild::config
