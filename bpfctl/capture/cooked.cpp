// SPDX-License-Identifier: BSD-2-Clause
// See cooked.h. Foreign bytes: nothing is read that is not there.
#include "bpfctl/capture/cooked.h"

#include <algorithm>
#include <array>

#include <net/if_arp.h>

namespace pfild::bpfctl {
namespace {

constexpr std::size_t kMacLength = 6;
constexpr std::size_t kEthernetHeader = 14;
constexpr std::uint16_t kTypeIpv4 = 0x0800;
constexpr std::uint16_t kTypeIpv6 = 0x86dd;
constexpr std::uint16_t kFirstType = 0x0600;   // below, it is a length, and 802.2 follows
constexpr std::uint16_t kLogicalLink = 0x0004; // ETH_P_802_2

// Of packet(7): who a packet is for.
constexpr std::uint8_t kHost = 0;
constexpr std::uint8_t kBroadcast = 1;
constexpr std::uint8_t kMulticast = 2;
constexpr std::uint8_t kOutgoing = 4;

using CookedHeader = std::array<std::uint8_t, kCookedHeader>;

void set_word(CookedHeader& header, std::size_t at, std::uint32_t value) {
    header.at(at) = static_cast<std::uint8_t>(value >> 8U);
    header.at(at + 1) = static_cast<std::uint8_t>(value);
}

std::uint8_t destination_of(std::span<const std::uint8_t> frame) {
    const auto mac = frame.first(kMacLength);
    if (std::all_of(mac.begin(), mac.end(), [](std::uint8_t byte) { return byte == 0xff; })) {
        return kBroadcast;
    }
    return (mac[0] & 1U) != 0 ? kMulticast : kHost;
}

} // namespace

client::Record cooked(const client::Record& packet, filter::LinkType link_type, std::vector<std::uint8_t>& bytes) {
    CookedHeader header{};
    std::size_t removed = 0;
    set_word(header, 4, packet.ifindex >> 16U);
    set_word(header, 6, packet.ifindex);
    header[10] = packet.direction == PFILD_RECORD_OUT ? kOutgoing : kHost;
    if (link_type == filter::kEthernet && packet.bytes.size() >= kEthernetHeader) {
        removed = kEthernetHeader;
        const auto type = static_cast<std::uint16_t>(packet.bytes[12] << 8U | packet.bytes[13]);
        set_word(header, 0, type < kFirstType ? kLogicalLink : type);
        set_word(header, 8, ARPHRD_ETHER);
        header[10] = packet.direction == PFILD_RECORD_OUT ? kOutgoing : destination_of(packet.bytes);
        header[11] = kMacLength;
        std::copy_n(packet.bytes.begin() + kMacLength, kMacLength, header.begin() + 12);
    } else if (link_type == filter::kRaw && !packet.bytes.empty()) {
        set_word(header, 0, packet.bytes[0] >> 4U == 6 ? kTypeIpv6 : kTypeIpv4);
        set_word(header, 8, ARPHRD_NONE);
    }
    bytes.assign(header.begin(), header.end());
    bytes.insert(bytes.end(), packet.bytes.begin() + static_cast<std::ptrdiff_t>(removed), packet.bytes.end());
    client::Record made = packet;
    made.bytes = bytes;
    made.length = packet.length - static_cast<std::uint32_t>(removed) + kCookedHeader;
    return made;
}

} // namespace pfild::bpfctl
