// SPDX-License-Identifier: BSD-2-Clause
// What the engine knows of a packet from its first bytes: which family, where the network header is, what is behind it.
//
//     | dst 6 | src 6 | [tag 4] .. | type 2 | network header …
//                                             ^ network_offset
//
// inet and inet6 see the IP packet inside up to two VLAN tags and any number of transparent ones, which have VLAN 0.
// The bytes are read by include/pfild/packet.h. Nothing here trusts the packet: what does not fit is `other`.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/frame.h"
#include "pfild/packet.h"

namespace pfild::core {

enum class Family : std::uint8_t { kInet, kInet6, kOther };
inline constexpr std::array<std::string_view, 3> kFamilyNames{"inet", "inet6", "other"};

struct PacketView {
    Family family = Family::kOther;
    std::uint8_t tags = 0;            ///< VLAN tags in front of the network header, 0 to 2; not the transparent ones
    std::uint16_t ether_type = 0;     ///< host byte order, behind the tags
    std::uint32_t network_offset = 0; ///< bytes from the start of the frame
    std::uint32_t network_length = 0; ///< bytes of the IP packet by its own header, at most what the frame holds:
                                      ///< Ethernet padding is not part of it (PF-24, as ip_input(9) trims it)
    pfild_packet read{};              ///< all that the reader has found

    /// Something may be taken out of the packet to show what the host's stack will see (core/pfil/folded.h).
    [[nodiscard]] bool foldable() const { return read.transparent != 0 || read.foldable != 0; }
};

/// Looks at the Ethernet header, tags and the headers behind them.
[[nodiscard]] PacketView parse(const Frame& frame);

} // namespace pfild::core
