// SPDX-License-Identifier: BSD-2-Clause
// `dst port N` as libpcap compiles it, for each type of hook, without libpcap. Rows are {code, jt, jf, k}.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace pfild::frames {

/// What rules of tests block, and what they allow.
inline constexpr std::uint16_t kBlockedPort = 23;
inline constexpr std::uint16_t kAllowedPort = 8443;

struct ProgramRow {
    std::uint16_t code;
    std::uint8_t jt;
    std::uint8_t jf;
    std::uint32_t k;
};

/// `ip and dst port N` over a packet that begins with its IPv4 header.
inline std::vector<ProgramRow> inet_port_program(std::uint16_t port) {
    return {{0x30, 0, 0, 0},    {0x54, 0, 0, 0xf0},    {0x15, 0, 9, 0x40},   {0x30, 0, 0, 9}, {0x15, 1, 0, 6},
            {0x15, 0, 6, 17},   {0x28, 0, 0, 6},       {0x45, 4, 0, 0x1fff}, {0xb1, 0, 0, 0}, {0x48, 0, 0, 2},
            {0x15, 0, 1, port}, {0x06, 0, 0, 0x40000}, {0x06, 0, 0, 0}};
}

/// `ip6 and dst port N` over a packet that begins with its IPv6 header.
inline std::vector<ProgramRow> inet6_port_program(std::uint16_t port) {
    return {{0x30, 0, 0, 0},  {0x54, 0, 0, 0xf0}, {0x15, 0, 6, 0x60}, {0x30, 0, 0, 6},       {0x15, 1, 0, 6},
            {0x15, 0, 3, 17}, {0x28, 0, 0, 42},   {0x15, 0, 1, port}, {0x06, 0, 0, 0x40000}, {0x06, 0, 0, 0}};
}

} // namespace pfild::frames
