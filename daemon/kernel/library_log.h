// SPDX-License-Identifier: BSD-2-Clause
// libbpf and libxdp talk while they work. What they say matters only when something fails; it is in the log, at debug
// level, their own debug messages at trace level.
#pragma once

#include <cstdarg>

namespace pfild::kernel {

/// A line of theirs, as printf(3) takes it. Returns 0, as they want it.
int log_library(bool debug, const char* format, va_list arguments);

} // namespace pfild::kernel
