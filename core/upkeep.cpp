// SPDX-License-Identifier: BSD-2-Clause
#include "core/upkeep.h"

#include <span>

namespace pfild::core {
namespace {

constexpr std::array<std::string_view, PFILD_UPKEEP_KINDS - 1> kKindNames{"ARP",
                                                                          "router solicitations",
                                                                          "router advertisements",
                                                                          "neighbour solicitations",
                                                                          "neighbour advertisements",
                                                                          "redirects",
                                                                          "MLD queries",
                                                                          "MLD reports",
                                                                          "MLD dones",
                                                                          "MLDv2 reports",
                                                                          "EAPOL",
                                                                          "LACP",
                                                                          "LLDP",
                                                                          "PTP",
                                                                          "MACsec",
                                                                          "STP"};

constexpr std::uint32_t kNone = PFILD_NO_UPKEEP;

std::uint32_t inet6_kind(const Frame& frame, const PacketView& view) noexcept {
    std::array<std::uint8_t, PFILD_INET6_HEADER + PFILD_LISTENER_LOOK> look{};
    const std::span<std::uint8_t> all(look);
    const std::uint8_t* behind = &look[PFILD_INET6_HEADER];
    if (view.read.next_header == PFILD_ICMPV6) {
        const bool read = frame.copy_out(view.network_offset, all.first(PFILD_INET6_HEADER + 1));
        return read ? pfild_discovery_kind(*behind, look[7]) : kNone;
    }
    return frame.copy_out(view.network_offset, all) ? pfild_listener_kind(look.data(), behind) : kNone;
}

std::uint32_t control_kind(const Frame& frame) noexcept {
    std::array<std::uint8_t, PFILD_CONTROL_LOOK> look{};
    return frame.copy_out(0, look) ? pfild_control_kind(look.data()) : kNone;
}

} // namespace

std::uint32_t upkeep_of(const Frame& frame, const PacketView& view) noexcept {
    const pfild_packet& read = view.read;
    std::uint32_t kind = kNone;
    if (read.type == PFILD_BE16(PFILD_ETH_ARP)) {
        kind = PFILD_UPKEEP_ARP;
    } else if (view.family == Family::kInet6 &&
               (read.next_header == PFILD_ICMPV6 || read.next_header == PFILD_HOP_BY_HOP)) {
        kind = inet6_kind(frame, view);
    } else if (view.family == Family::kOther && view.network_offset == PFILD_ETHERNET_HEADER) {
        kind = control_kind(frame);
    }
    return kind == kNone ? kNone : PFILD_UPKEEP_CLASS(kind, view.tags);
}

std::vector<std::string_view> upkeep_names(UpkeepClasses classes) {
    std::vector<std::string_view> names;
    for (std::uint32_t kind = 1; kind < PFILD_UPKEEP_KINDS; ++kind) {
        UpkeepClasses any = 0;
        for (std::uint32_t tags = 0; tags <= PFILD_MAX_TAGS; ++tags) {
            any |= PFILD_UPKEEP_BIT(PFILD_UPKEEP_CLASS(kind, tags));
        }
        if ((classes & any) != 0) {
            names.push_back(kKindNames.at(kind - 1));
        }
    }
    return names;
}

} // namespace pfild::core
