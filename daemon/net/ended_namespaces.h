// SPDX-License-Identifier: BSD-2-Clause
// Network namespaces that have ended. Their devices, and the programs on these, are there until the kernel has taken
// the namespace down, which it does one load after another on a thread of its own: seconds where many have ended.
#pragma once

#include <chrono>

#include "core/error.h"

namespace pfild::net {

/// Waits until all that had ended when this was called are taken down. False: they were not, for as long as `patience`.
/// Makes two namespaces for that, and sends nothing.
[[nodiscard]] core::Result<bool> await_ended_namespaces(std::chrono::milliseconds patience);

} // namespace pfild::net
