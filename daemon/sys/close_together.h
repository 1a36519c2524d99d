// SPDX-License-Identifier: BSD-2-Clause
// The kernel ends a packet socket when all processors have let go of it, and close(2) waits for that: some 10 ms each,
// and together as long as for one.
#pragma once

#include <vector>

#include "daemon/sys/fd.h"

namespace pfild::sys {

/// Closes them beside one another, by at most 32 threads of its own. Returns when all are closed.
void close_together(std::vector<Fd> all) noexcept;

} // namespace pfild::sys
