// SPDX-License-Identifier: BSD-2-Clause
// What all canonical packets have in common, byte by byte: the packet that flow_dependence runs programs on.
//
// A form is one shape or several; every canonical packet of the form (pfild/flow.h) has exactly one of them:
//
//    inet, inet6    1    the IP header comes first
//    ethernet       6    0, 1 or 2 tags before IPv4 or IPv6
//
//    | destination MAC | source MAC | (type, tci) x tags | type | IP header | ports |
//                                                               ^ network   ^ certain: in every packet up to here
//
// Behind IPv4 the ports lie where the header ends, which no offset names; the four bytes that are certain then are
// options or ports. Behind the ports, and without ports behind the header, nothing is certain to be there.
//
// Pure; any thread.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

#include "cbpf/packet_form.h"
#include "pfild/flow.h"

namespace pfild::cbpf {

inline constexpr std::uint32_t kInetLength = 20; ///< of an IPv4 header without options
inline constexpr std::uint32_t kInet6Length = 40;
inline constexpr std::uint32_t kPortsLength = 4;

/// One byte of every packet of a shape. A bit is known, or not part of the flow, or, if neither, part of the key.
struct FlowByte {
    std::uint8_t known = 0;   ///< bits that are the same in all packets
    std::uint8_t bits = 0;    ///< their values
    std::uint8_t tainted = 0; ///< bits that are not part of the flow
    const char* name = "";    ///< of what is not
};

struct FlowPacket {
    const char* name = "";         ///< "IPv6 behind a VLAN tag"; empty if there is no need to name it
    bool inet = true;              ///< IPv4, else IPv6
    std::uint32_t network = 0;     ///< offset of the IP header
    std::uint32_t protocol_at = 0; ///< offset of the protocol or next header
    std::uint32_t certain = 0;     ///< so many bytes are in every packet, kPortsLength more if the protocol has ports
    std::array<FlowByte, 14 + PFILD_MAX_TAGS * 4 + kInet6Length + kPortsLength> bytes{};
};

[[nodiscard]] std::vector<FlowPacket> flow_packets_of(PacketForm form);

/// Protocols or next headers.
using Protocols = std::bitset<256>;

/// Those of canonical packets: for IPv6, all but the extension headers.
[[nodiscard]] Protocols canonical_protocols(bool inet);

/// Those whose payload begins with two ports.
[[nodiscard]] Protocols protocols_with_ports();

} // namespace pfild::cbpf
