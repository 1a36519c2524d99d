// SPDX-License-Identifier: BSD-2-Clause
// Packets that a connection needs, as they pass an interface: its next segments in both directions, short and long, and
// what opens another one from the same peer. Pure.
//
// What nobody can know of a packet to come (sequence numbers, checksums, the port of a new connection) is made up.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/direction.h"
#include "daemon/guard/choose.h"
#include "daemon/guard/connection.h"

namespace pfild::guard {

struct Packet {
    std::string_view what; ///< "its next segment"
    core::Direction direction = core::Direction::kIn;
    std::vector<std::uint8_t> bytes; ///< from the Ethernet header on
};

/// The longest that packets_for() makes.
inline constexpr std::uint32_t kLongestPacket = 9026;

[[nodiscard]] std::vector<Packet> packets_for(const Watched& watched, const Way& way);

} // namespace pfild::guard
