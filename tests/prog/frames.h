// SPDX-License-Identifier: BSD-2-Clause
// Frames for kernel programs as bytes, network byte order, with addresses of the documentation ranges (RFC 3849, 5737,
// 7042). Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pfild::tests {

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

inline constexpr Mac kOurMac{0x02, 0x00, 0x5e, 0x10, 0x00, 0x01};
inline constexpr Mac kTheirMac{0x02, 0x00, 0x5e, 0x10, 0x00, 0x02};
inline constexpr Mac kBroadcastMac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
inline constexpr Mac kMulticastMac{0x33, 0x33, 0x00, 0x00, 0x00, 0x01};

inline constexpr std::uint16_t kTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kTypeArp = 0x0806;
inline constexpr std::uint16_t kTypeVlan = 0x8100;
inline constexpr std::uint16_t kTypeServiceVlan = 0x88a8;
inline constexpr std::uint16_t kTypeIpv6 = 0x86dd;
inline constexpr std::uint8_t kUdp = 17; // in IPv4 and IPv6

/// A VLAN tag.
struct Tag {
    std::uint16_t type = kTypeVlan;
    std::uint16_t value = 7;
};

inline void put16(Bytes& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8U));
    bytes.push_back(static_cast<std::uint8_t>(value));
}

inline Bytes joined(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

inline Bytes first(std::size_t length, Bytes bytes) {
    bytes.resize(length);
    return bytes;
}

/// From their address to `to`, the outermost tag first.
inline Bytes ethernet(std::uint16_t type, const Bytes& payload, const std::vector<Tag>& tags = {},
                      const Mac& to = kOurMac) {
    Bytes bytes(to.begin(), to.end());
    bytes.insert(bytes.end(), kTheirMac.begin(), kTheirMac.end());
    for (const Tag& tag : tags) {
        put16(bytes, tag.type);
        put16(bytes, tag.value);
    }
    put16(bytes, type);
    return joined(std::move(bytes), payload);
}

/// Who has 192.0.2.1? Tell 192.0.2.2.
inline Bytes arp() {
    return {0, 1, 8, 0, 6, 4, 0, 1, 0x02, 0, 0x5e, 0x10, 0, 2, 192, 0, 2, 2, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1};
}

/// 192.0.2.2 -> 192.0.2.1.
inline Bytes ipv4(std::uint8_t protocol, const Bytes& payload = Bytes(16, 0xaa)) {
    Bytes bytes{0x45, 0};
    put16(bytes, 20 + payload.size());
    return joined(joined(std::move(bytes), {0, 1, 0, 0, 64, protocol, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1}), payload);
}

/// 2001:db8::2 -> 2001:db8::1.
inline Bytes ipv6(std::uint8_t next_header, std::uint8_t hop_limit, const Bytes& payload) {
    Bytes bytes{0x60, 0, 0, 0};
    put16(bytes, payload.size());
    bytes.push_back(next_header);
    bytes.push_back(hop_limit);
    for (const std::uint8_t host : {std::uint8_t{2}, std::uint8_t{1}}) {
        bytes = joined(std::move(bytes), {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host});
    }
    return joined(std::move(bytes), payload);
}

inline constexpr std::uint8_t kIcmpv6 = 58;

/// An ICMPv6 message of 24 bytes in an IPv6 packet.
inline Bytes icmpv6(std::uint8_t type, std::uint8_t hop_limit = 255) {
    return ipv6(kIcmpv6, hop_limit, joined({type}, Bytes(23)));
}

/// The same behind a hop-by-hop header of 8 bytes.
inline Bytes icmpv6_behind_options(std::uint8_t type) {
    return ipv6(0, 255, joined({kIcmpv6, 0, 1, 4, 0, 0, 0, 0, type}, Bytes(23)));
}

/// A report of a multicast listener, from a link-local address.
inline Bytes listener_report(std::uint8_t hop_limit = 1) {
    Bytes bytes = ipv6(0, hop_limit, joined({kIcmpv6, 0, 5, 2, 0, 0, 1, 0, 143}, Bytes(23)));
    bytes[8] = 0xfe;
    bytes[9] = 0x80;
    return bytes;
}

/// By which two ends of a link agree on it, each as it is sent; 46 bytes at least.
struct ControlFrame {
    const char* name;
    std::uint8_t group; ///< last byte of its address 01:80:c2:00:00:0x
    std::uint16_t type; ///< STP: a length, and LLC behind it
    Bytes payload;
};

inline std::vector<ControlFrame> control_frames() {
    const auto padded = [](Bytes bytes) {
        bytes.resize(46);
        return bytes;
    };
    return {{"EAPOL", 3, 0x888e, padded({2, 1, 0, 0})},
            {"LACP", 2, 0x8809, padded({1, 1, 1, 20})},
            {"LLDP", 14, 0x88cc, padded({2, 7, 4, 2, 0, 0x5e, 0x10, 0, 2})},
            {"PTP", 14, 0x88f7, padded({0x12, 2, 0, 54})},
            {"MACsec", 0, 0x88e5, padded({0x2c, 0, 0, 0, 0, 1})},
            {"STP", 0, 38, padded({0x42, 0x42, 0x03, 0, 0, 2, 2})}};
}

inline Mac link_group(std::uint8_t last) { return {0x01, 0x80, 0xc2, 0, 0, last}; }

inline Bytes frame_of(const ControlFrame& control) {
    return ethernet(control.type, control.payload, {}, link_group(control.group));
}

} // namespace pfild::tests
