// SPDX-License-Identifier: BSD-2-Clause
// From a mounted device to its end: serves until it is unmounted, is told to end, or the command that it is for ends.
#pragma once

#include <string>
#include <vector>

#include "client/descriptor.h"
#include "core/error.h"
#include "devbpf/file_system.h"

namespace pfild::devbpf {

/// Serves until SIGTERM, SIGINT or until it is unmounted.
[[nodiscard]] core::Result<void> serve(client::Descriptor fuse, FileOptions options);

/// Starts the command, with the rights of the caller, and serves without any until it ends. Returns what a shell would:
/// its exit code, 128 and a signal, 127 and 126 if it cannot be started. Signals that a process sends go on to the
/// command; those of a terminal it has got itself. => one thread; the signals are not blocked.
[[nodiscard]] core::Result<int> serve_command(client::Descriptor fuse, FileOptions options,
                                              const std::vector<std::string>& command);

} // namespace pfild::devbpf
