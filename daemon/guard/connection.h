// SPDX-License-Identifier: BSD-2-Clause
// TCP connections as the guard knows them. Plain values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/direction.h"

namespace pfild::guard {

/// IPv4 in the first four bytes, or IPv6; network byte order.
struct Address {
    bool inet = true;
    std::array<std::uint8_t, 16> bytes{};

    /// An IPv4 address in the form of one of IPv6 becomes the IPv4 address that it is.
    [[nodiscard]] static Address of(bool inet, const void* bytes);
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] std::size_t size() const { return inet ? 4 : 16; }
    friend bool operator==(const Address&, const Address&) = default;
};

/// Ports are in host byte order.
struct Connection {
    Address local;
    Address remote;
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
    std::uint32_t ifindex = 0; ///< its socket is bound to that interface; 0: to none
    std::uint64_t inode = 0;   ///< of its socket
    std::uint8_t traffic = 0;  ///< type of service or traffic class of what its socket sends
};

/// `TCP 192.0.2.1:40000 to 192.0.2.2:22`
[[nodiscard]] std::string text_of(const Connection& connection);

struct Listener {
    std::uint16_t port = 0;
    std::uint64_t inode = 0;
};

/// All TCP sockets of a network namespace.
struct Sockets {
    std::vector<Connection> established;
    std::vector<Listener> listening;
};

/// How packets of a connection pass an interface.
struct Way {
    std::uint32_t ifindex = 0;
    std::uint32_t mtu = 1500;
    std::vector<std::uint16_t> vlans; ///< of the tags that they have there, outermost first
    std::array<std::uint8_t, 6> local{};
    std::array<std::uint8_t, 6> remote{}; ///< of the peer or the router on the way to it; 0: nobody knows
    core::Directions directions = core::Directions::both(); ///< of the packets that pass there
};

} // namespace pfild::guard
