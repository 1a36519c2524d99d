// SPDX-License-Identifier: BSD-2-Clause
// Offloads and queues of a device, by ethtool(8)'s ioctl. Offloads have the names that `ethtool -k` calls generic
// feature names. Every call is for the calling thread's namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace pfild::net {

/// Whether a port's end must not have this offload: then the kernel completes checksums, cuts segments and writes VLAN
/// tags into the packet before it crosses the pair, and the engine sees packets as they are on the wire.
[[nodiscard]] bool spoils_frames(std::string_view feature);

/// Turns off every such offload of `device`.
[[nodiscard]] core::Result<void> turn_off_spoiling_offloads(const std::string& device);

/// Turns off what takes VLAN tags out of packets before XDP could see them. Returns what was on, for turn_on().
/// EOPNOTSUPP: the driver cannot leave them in.
[[nodiscard]] core::Result<std::vector<std::string>> leave_tags_in_packets(const std::string& device);
[[nodiscard]] core::Result<void> turn_on(const std::string& device, const std::vector<std::string>& offloads);

/// Receive queues that are in use (`ethtool -l`); nothing where the driver does not say.
[[nodiscard]] std::optional<std::uint32_t> receive_queues(const std::string& device);

} // namespace pfild::net
