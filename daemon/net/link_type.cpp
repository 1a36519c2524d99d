// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/net/link_type.h"

#include <net/if_arp.h>

namespace pfild::net {

std::optional<std::uint32_t> link_type(const Link& link) {
    switch (link.arp_type) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK:
        return kLinkTypeEthernet;
    case ARPHRD_NONE:
    case ARPHRD_RAWIP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
        return kLinkTypeRaw;
    default:
        return std::nullopt;
    }
}

std::string_view link_type_words(std::uint32_t arp_type) {
    switch (arp_type) {
    case ARPHRD_NONE:
        return "a tunnel without link header";
    case ARPHRD_PPP:
        return "a PPP link";
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6:
    case ARPHRD_SIT:
    case ARPHRD_IPGRE:
        return "an IP tunnel";
    default:
        return "not an Ethernet interface";
    }
}

} // namespace pfild::net
