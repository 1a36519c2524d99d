// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/rules/sample_frames.h"

#include <array>
#include <cstddef>

namespace pfild::rules {
namespace {

constexpr std::size_t kInet = 20;
constexpr std::size_t kInet6 = 40;

struct Kind {
    bool inet6;
    std::uint8_t protocol;
    std::uint16_t remote_port; ///< of ICMP: type and code
    std::uint16_t local_port;
    std::uint8_t tcp_flags;
    std::size_t length; ///< of the frame
};
constexpr std::array<Kind, 8> kKinds{{
    {false, 6, 49152, 22, 0x02, 74},    // a first segment
    {false, 6, 443, 51000, 0x10, 1514}, // one of many
    {false, 17, 53, 52000, 0, 130},     // an answer of a name server
    {false, 1, 0x0800, 0, 0, 98},       // an echo request
    {true, 6, 53000, 443, 0x18, 400},   // one with data
    {true, 6, 49153, 22, 0x02, 94},     // a first segment
    {true, 17, 443, 54000, 0, 1292},    // QUIC
    {true, 58, 0x8000, 0, 0, 118},      // an echo request
}};

void put16(std::uint8_t* at, std::size_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8U);
    at[1] = static_cast<std::uint8_t>(value);
}

void put_inet(std::uint8_t* at, const Kind& kind, std::size_t length) {
    at[0] = 0x45;
    put16(at + 2, length);
    at[8] = 64; // hops
    at[9] = kind.protocol;
    for (const std::size_t address : {12U, 16U}) {
        at[address] = 192;
        at[address + 2] = 2;
        at[address + 3] = static_cast<std::uint8_t>(address);
    }
}

void put_inet6(std::uint8_t* at, const Kind& kind, std::size_t length) {
    at[0] = 0x60;
    put16(at + 4, length - kInet6);
    at[6] = kind.protocol;
    at[7] = 64; // hops
    for (const std::size_t address : {8U, 24U}) {
        put16(at + address, 0x2001);
        put16(at + address + 2, 0x0db8);
        at[address + 15] = static_cast<std::uint8_t>(address);
    }
}

std::vector<std::uint8_t> frame_of(const Kind& kind) {
    std::vector<std::uint8_t> frame(kind.length);
    frame[5] = 1;    // to 00:00:00:00:00:01
    frame[6] = 0x02; // from 02:00:00:00:00:02
    frame[11] = 2;
    put16(&frame[12], kind.inet6 ? 0x86dd : 0x0800);
    std::uint8_t* const network = &frame[kNetworkOfSample];
    const std::size_t length = kind.length - kNetworkOfSample;
    kind.inet6 ? put_inet6(network, kind, length) : put_inet(network, kind, length);
    std::uint8_t* const transport = network + (kind.inet6 ? kInet6 : kInet);
    put16(transport, kind.remote_port);
    put16(transport + 2, kind.local_port);
    if (kind.protocol == 6) {
        transport[12] = 0x50;
        transport[13] = kind.tcp_flags;
    }
    return frame;
}

} // namespace

std::vector<std::vector<std::uint8_t>> sample_frames(core::HeadType type) {
    std::vector<std::vector<std::uint8_t>> frames;
    for (const Kind& kind : kKinds) {
        if (type == core::HeadType::kEthernet || kind.inet6 == (type == core::HeadType::kInet6)) {
            frames.push_back(frame_of(kind));
        }
    }
    return frames;
}

} // namespace pfild::rules
