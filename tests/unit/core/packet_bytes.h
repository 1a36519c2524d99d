// SPDX-License-Identifier: BSD-2-Clause
// Packets for tests as bytes, network byte order, with addresses of the documentation ranges (RFC 5737, RFC 3849).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tests/unit/core/buffers.h"

namespace pfild::core {

inline constexpr std::uint16_t kTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kTypeIpv6 = 0x86dd;
inline constexpr std::uint16_t kTypeArp = 0x0806;
inline constexpr std::uint16_t kTypeVlan = 0x8100;
inline constexpr std::uint16_t kTypeServiceVlan = 0x88a8;

inline void put16(Bytes& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8U));
    bytes.push_back(static_cast<std::uint8_t>(value));
}

inline Bytes joined(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

/// An Ethernet frame with these tag types in front of the type; VLAN ids count from 1.
inline Bytes ethernet(const std::vector<std::uint16_t>& tags, std::uint16_t type, const Bytes& payload) {
    Bytes bytes{0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01};
    for (std::size_t i = 0; i < tags.size(); i++) {
        put16(bytes, tags[i]);
        put16(bytes, i + 1);
    }
    put16(bytes, type);
    return joined(std::move(bytes), payload);
}

/// UDP from port 4000 to `port`, no checksum.
inline Bytes udp(std::uint16_t port, std::size_t payload = 8) {
    Bytes bytes;
    put16(bytes, 4000);
    put16(bytes, port);
    put16(bytes, 8 + payload);
    put16(bytes, 0);
    return joined(std::move(bytes), Bytes(payload, 0xaa));
}

/// 192.0.2.1 -> 198.51.100.2, UDP; `total_length` where the header should lie about it.
inline Bytes ipv4(const Bytes& payload, std::optional<std::uint16_t> total_length = {}) {
    Bytes bytes{0x45, 0};
    put16(bytes, total_length.value_or(static_cast<std::uint16_t>(20 + payload.size())));
    return joined(joined(std::move(bytes), {0, 1, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2}), payload);
}

/// 2001:db8::1 -> 2001:db8::2, UDP; `payload_length` where the header should lie about it.
inline Bytes ipv6(const Bytes& payload, std::optional<std::uint16_t> payload_length = {}) {
    Bytes bytes{0x60, 0, 0, 0};
    put16(bytes, payload_length.value_or(static_cast<std::uint16_t>(payload.size())));
    Bytes addresses{17, 64, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    addresses = joined(std::move(addresses), {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
    return joined(joined(std::move(bytes), addresses), payload);
}

} // namespace pfild::core
