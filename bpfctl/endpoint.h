// SPDX-License-Identifier: BSD-2-Clause
// Where the daemon is that a command line means.
#pragma once

#include "bpfctl/client.h"
#include "bpfctl/verb.h"

namespace pfild::bpfctl {

/// The socket of the options: --socket, or /run/pfild/NAME/control.sock.
[[nodiscard]] Endpoint endpoint_of(const Options& options);
/// The device socket beside it: bpf.sock in the same folder.
[[nodiscard]] Endpoint device_endpoint_of(const Options& options);

} // namespace pfild::bpfctl
