// SPDX-License-Identifier: BSD-2-Clause
// Does what a change of the configuration asks for, through the same service that the control socket uses.
// Control thread.
#pragma once

#include "core/error.h"
#include "daemon/api/service.h"
#include "daemon/config_change.h"

namespace pfild {

/// Whether something that is to be made may be there already: after a crash it may, it was taken over.
enum class Existing : std::uint8_t { refused, fine };

/// All actions, in order. At the first that fails the ones before it are undone in reverse, and its error comes back:
/// the old state stays in force. What is to be removed and has gone already (by `bpfctl`, or with its device) is no
/// failure; what cannot be undone is logged.
[[nodiscard]] core::Result<void> apply(const ConfigChange& change, api::Service& service,
                                       Existing existing = Existing::refused);

} // namespace pfild
