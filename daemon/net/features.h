// SPDX-License-Identifier: BSD-2-Clause
// Offloads of a device, by ethtool(8)'s ioctl, under the names that `ethtool -k` calls generic feature names.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"

namespace pfild::net {

/// Whether a port's end must not have this offload: then the kernel completes checksums, cuts segments and writes VLAN
/// tags into the packet before it crosses the pair, and the engine sees packets as they are on the wire.
[[nodiscard]] bool spoils_frames(std::string_view feature);

/// Turns off every such offload of `device`, in the calling thread's namespace.
[[nodiscard]] core::Result<void> turn_off_spoiling_offloads(const std::string& device);

} // namespace pfild::net
