// SPDX-License-Identifier: BSD-2-Clause
// Link types of interfaces, as captures call them (pcap-linktype(7)) and in words. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/net/links.h"

namespace pfild::net {

inline constexpr std::uint32_t kLinkTypeEthernet = 1;
inline constexpr std::uint32_t kLinkTypeRaw = 12; ///< an IP packet with nothing before it

/// What captures call an interface's link type, a DLT_ number; nothing: they know nothing of it.
[[nodiscard]] std::optional<std::uint32_t> link_type(const Link& link);

/// What an interface without an Ethernet header is, by its number of ARPHRD_: "an IP tunnel".
[[nodiscard]] std::string_view link_type_words(std::uint32_t arp_type);

} // namespace pfild::net
