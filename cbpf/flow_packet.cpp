// SPDX-License-Identifier: BSD-2-Clause
// The shapes, put together from tables of what is not part of the key. The key is read by pfild_read_flow_key(); what
// is not listed here must be part of what that reads.
#include "cbpf/flow_packet.h"

#include <algorithm>
#include <span>

#include "pfild/flow_key.h"

namespace pfild::cbpf {
namespace {

constexpr std::uint32_t kEthernetLength = 14;
constexpr std::uint32_t kTagLength = 4;

struct Field {
    std::uint32_t first;
    std::uint32_t length; ///< bytes
    FlowByte byte;        ///< what each of them is
};

constexpr FlowByte free_byte(const char* name) { return {0, 0, 0xff, name}; }
constexpr FlowByte fixed_byte(std::uint32_t value) { return {0xff, static_cast<std::uint8_t>(value), 0, ""}; }

constexpr std::array<Field, 2> kMacFields{{
    {0, 6, free_byte("destination MAC")},
    {6, 6, free_byte("source MAC")},
}};
constexpr std::array<Field, 9> kInetFields{{
    {0, 1, {0xf0, 0x40, 0x0f, "header length"}},
    {1, 1, free_byte("type of service")},
    {2, 2, free_byte("total length")},
    {4, 2, free_byte("identification")},
    {6, 1, {0x3f, 0, 0xc0, "don't-fragment bit"}},
    {7, 1, fixed_byte(0)},
    {8, 1, free_byte("time to live")},
    {10, 2, free_byte("header checksum")},
    {kInetLength, kPortsLength, free_byte("an option or a port")}, // there if there are ports
}};
constexpr std::array<Field, 5> kInet6Fields{{
    {0, 1, {0xf0, 0x60, 0x0f, "traffic class"}},
    {1, 1, free_byte("traffic class and flow label")},
    {2, 2, free_byte("flow label")},
    {4, 2, free_byte("payload length")},
    {7, 1, free_byte("hop limit")},
}};

void put(FlowPacket& packet, std::uint32_t offset, std::span<const Field> fields) {
    for (const Field& field : fields) {
        std::fill_n(packet.bytes.begin() + offset + field.first, field.length, field.byte);
    }
}

/// A tag's type is part of the key, but only two are tags: what these have in common is known.
void put_tag_type(FlowPacket& packet, std::uint32_t offset) {
    constexpr std::uint32_t kTypes[] = {0x8100, 0x88a8};
    constexpr std::uint32_t kKnown = ~(kTypes[0] ^ kTypes[1]);
    constexpr std::uint32_t kBits = kTypes[0] & kKnown;
    packet.bytes[offset] = {static_cast<std::uint8_t>(kKnown >> 8U), static_cast<std::uint8_t>(kBits >> 8U)};
    packet.bytes[offset + 1] = {static_cast<std::uint8_t>(kKnown), static_cast<std::uint8_t>(kBits)};
}

FlowPacket ip_packet(bool inet, std::uint32_t network) {
    FlowPacket packet;
    packet.inet = inet;
    packet.network = network;
    packet.protocol_at = network + (inet ? 9 : 6);
    packet.certain = network + (inet ? kInetLength : kInet6Length);
    put(packet, network, inet ? std::span<const Field>(kInetFields) : std::span<const Field>(kInet6Fields));
    return packet;
}

FlowPacket ethernet_packet(bool inet, std::uint32_t tags) {
    const std::uint32_t network = kEthernetLength + tags * kTagLength;
    FlowPacket packet = ip_packet(inet, network);
    put(packet, 0, kMacFields);
    for (std::uint32_t tag = 0; tag < tags; ++tag) {
        put_tag_type(packet, kEthernetLength - 2 + tag * kTagLength);
    }
    packet.bytes[network - 2] = fixed_byte(inet ? 0x08 : 0x86);
    packet.bytes[network - 1] = fixed_byte(inet ? 0x00 : 0xdd);
    return packet;
}

} // namespace

std::vector<FlowPacket> flow_packets_of(PacketForm form) {
    if (form != PacketForm::kEthernet) {
        return {ip_packet(form == PacketForm::kInet, 0)};
    }
    constexpr std::array<const char*, 6> kNames{
        "", // what most packets are
        "IPv6",
        "IPv4 behind a VLAN tag",
        "IPv6 behind a VLAN tag",
        "IPv4 behind two VLAN tags",
        "IPv6 behind two VLAN tags",
    };
    static_assert(kNames.size() == std::size_t{2} * (PFILD_MAX_TAGS + 1));
    std::vector<FlowPacket> packets;
    for (const char* name : kNames) {
        const std::size_t shape = packets.size();
        packets.push_back(ethernet_packet(shape % 2 == 0, static_cast<std::uint32_t>(shape / 2)));
        packets.back().name = name;
    }
    return packets;
}

Protocols canonical_protocols(bool inet) {
    Protocols protocols;
    for (std::size_t protocol = 0; protocol < protocols.size(); ++protocol) {
        protocols.set(protocol, inet || pfild_is_extension(static_cast<std::uint8_t>(protocol)) == 0);
    }
    return protocols;
}

Protocols protocols_with_ports() {
    Protocols protocols;
    for (std::size_t protocol = 0; protocol < protocols.size(); ++protocol) {
        protocols.set(protocol, pfild_has_ports(static_cast<std::uint8_t>(protocol)) != 0);
    }
    return protocols;
}

} // namespace pfild::cbpf
