// SPDX-License-Identifier: BSD-2-Clause
// Where a packet begins, as far as programs are told.
#pragma once

#include <cstdint>

namespace pfild::cbpf {

/// What a program's packet begins with.
enum class PacketForm : std::uint8_t {
    kInet,     ///< an IPv4 header
    kInet6,    ///< an IPv6 header
    kEthernet, ///< MAC addresses, type, up to two VLAN tags, one of the two
};

} // namespace pfild::cbpf
