// SPDX-License-Identifier: BSD-2-Clause
// What a filter finds at offset 0 of a packet: the header that a head's packets begin with (contract PF-06).
//
// A hook has a type, a type has one link type, and a program compiled for one of them means nothing at the other: the
// number travels with the program, and the daemon compares it. Capture files have many more types. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pfild::filter {

/// A link type by its DLT number, as libpcap and the control protocol count them on Linux.
struct LinkType {
    int number;            ///< 12
    std::string_view name; ///< "RAW"; pcap_datalink_val_to_name() says the same

    bool operator==(const LinkType&) const = default;
};

inline constexpr LinkType kRaw{12, "RAW"};        ///< DLT_RAW: begins with the IPv4 or IPv6 header
inline constexpr LinkType kEthernet{1, "EN10MB"}; ///< DLT_EN10MB: begins with the Ethernet header

/// The link type of a hook type: "inet" and "inet6" see IP packets, "ethernet" sees frames. Nothing for other words.
[[nodiscard]] constexpr std::optional<LinkType> link_type_of(std::string_view hook_type) noexcept {
    if (hook_type == "inet" || hook_type == "inet6") {
        return kRaw;
    }
    if (hook_type == "ethernet") {
        return kEthernet;
    }
    return std::nullopt;
}

/// The link type that libpcap knows by this name, in capitals or not: "EN10MB", "linux_sll". Nothing if there is none.
[[nodiscard]] std::optional<LinkType> link_type_named(const std::string& name);

/// The link type of a number, with the name "DLT 147" if libpcap has none for it.
struct NamedLinkType {
    int number;
    std::string name;
    std::string description; ///< "Ethernet"; the name if there is none

    [[nodiscard]] LinkType type() const noexcept { return {number, name}; }
};
[[nodiscard]] NamedLinkType link_type_numbered(int number);

} // namespace pfild::filter
