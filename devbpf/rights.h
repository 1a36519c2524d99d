// SPDX-License-Identifier: BSD-2-Clause
// What pfild-devbpf may still do once it has mounted: as little as there is.
#pragma once

#include "core/error.h"

namespace pfild::devbpf {

/// Gives up every capability for good, but for CAP_SYS_PTRACE if there is it and `keep_ptrace`; and the way back to any
/// by exec.
[[nodiscard]] core::Result<void> give_up_rights(bool keep_ptrace);

} // namespace pfild::devbpf
