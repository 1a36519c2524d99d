// SPDX-License-Identifier: BSD-2-Clause
// What kind of packet a filtering point shows: its first header (contract PF-01, PF-05, PF-06).
//
//     type       first byte shown               link type a filter is compiled for
//     inet       IPv4 header, inside its tags   DLT_RAW
//     inet6      IPv6 header, inside its tags   DLT_RAW
//     ethernet   destination MAC, tags in-band  DLT_EN10MB
//
// Plain constants; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/packet_view.h"

namespace pfild::core {

enum class HeadType : std::uint8_t { kInet, kInet6, kEthernet };

inline constexpr std::size_t kHeadTypes = 3;
inline constexpr std::array<HeadType, kHeadTypes> kEachHeadType{HeadType::kInet, HeadType::kInet6, HeadType::kEthernet};
inline constexpr std::array<std::string_view, kHeadTypes> kHeadTypeNames{"inet", "inet6", "ethernet"};

inline constexpr int kDltEthernet = 1; ///< DLT_EN10MB of pcap(3)
inline constexpr int kDltRaw = 12;     ///< DLT_RAW of pcap(3) on Linux
inline constexpr std::array<int, kHeadTypes> kHeadTypeDlts{kDltRaw, kDltRaw, kDltEthernet};
inline constexpr std::array<std::string_view, kHeadTypes> kHeadTypeDltNames{"RAW", "RAW", "EN10MB"};
static_assert(static_cast<std::size_t>(HeadType::kEthernet) + 1 == kHeadTypes);

[[nodiscard]] constexpr std::size_t index(HeadType type) { return static_cast<std::size_t>(type); }
[[nodiscard]] constexpr std::string_view name(HeadType type) { return kHeadTypeNames[index(type)]; }
[[nodiscard]] constexpr int dlt(HeadType type) { return kHeadTypeDlts[index(type)]; }
[[nodiscard]] constexpr std::string_view dlt_name(HeadType type) { return kHeadTypeDltNames[index(type)]; }

/// The type called `text`, or nothing.
[[nodiscard]] constexpr std::optional<HeadType> head_type_named(std::string_view text) {
    for (const HeadType type : kEachHeadType) {
        if (name(type) == text) {
            return type;
        }
    }
    return std::nullopt;
}

/// The other name of a filtering point, pfil_head_get(9)'s pair of address family and link type: nothing when no head
/// shows such packets (PF-01, PF-04). Family::kOther is the link layer.
[[nodiscard]] constexpr std::optional<HeadType> head_type_of(Family family, int link_type) {
    const HeadType type = family == Family::kInet    ? HeadType::kInet
                          : family == Family::kInet6 ? HeadType::kInet6
                                                     : HeadType::kEthernet;
    return dlt(type) == link_type ? std::optional(type) : std::nullopt;
}

} // namespace pfild::core
