// SPDX-License-Identifier: BSD-2-Clause
// What the engine knows of a packet from its first bytes: where the network header is, and which family.
//
//     | dst 6 | src 6 | [tag 4] [tag 4] | type 2 | network header …
//                                                ^ network_offset
//
// inet and inet6 see the IP packet inside up to two VLAN tags. Nothing here trusts the packet: what does not fit is
// `other`.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/frame.h"

namespace pfild::core {

enum class Family : std::uint8_t { inet, inet6, other };
inline constexpr std::array<std::string_view, 3> kFamilyNames{"inet", "inet6", "other"};

struct PacketView {
    Family family = Family::other;
    std::uint8_t tags = 0;            ///< VLAN tags in front of the network header, 0 to 2
    std::uint16_t ether_type = 0;     ///< host byte order, behind the tags
    std::uint16_t network_offset = 0; ///< bytes from the start of the frame
    std::uint32_t network_length = 0; ///< bytes of the IP packet by its own header, at most what the frame holds:
                                      ///< Ethernet padding is not part of it (PF-24, as ip_input(9) trims it)
};

/// Looks at the Ethernet header, up to two tags and the first bytes of the network header.
[[nodiscard]] PacketView parse(const Frame& frame);

} // namespace pfild::core
