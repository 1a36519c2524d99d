// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/connection.h.
#include "daemon/guard/connection.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>

namespace pfild::guard {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::string end_text(const Address& address, std::uint16_t port) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(address.inet ? AF_INET : AF_INET6, address.bytes.data(), text.data(), text.size());
    const std::string host = text.data();
    return (address.inet ? host : '[' + host + ']') + ':' + std::to_string(port);
}

} // namespace

Address Address::of(bool inet, const void* bytes) {
    Address address{.inet = inet};
    std::memcpy(address.bytes.data(), bytes, address.size());
    if (!inet && std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) {
        Address mapped;
        std::copy_n(address.bytes.begin() + kMapped.size(), mapped.size(), mapped.bytes.begin());
        return mapped;
    }
    return address;
}

bool Address::is_loopback() const {
    constexpr std::array<std::uint8_t, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return inet ? bytes[0] == 127 : bytes == kLoopback6;
}

std::string text_of(const Connection& connection) {
    return "TCP " + end_text(connection.remote, connection.remote_port) + " to " +
           end_text(connection.local, connection.local_port);
}

} // namespace pfild::guard
