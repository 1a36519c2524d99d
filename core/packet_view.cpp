// SPDX-License-Identifier: BSD-2-Clause
#include "core/packet_view.h"

#include <algorithm>

#include "core/network_order.h"

namespace pfild::core {
namespace {

constexpr std::uint32_t kEthernetHeader = 14;
constexpr std::uint32_t kTag = 4;
constexpr std::uint8_t kMaxTags = 2;
constexpr std::uint32_t kInetHeader = 20;
constexpr std::uint32_t kInet6Header = 40;
constexpr std::uint32_t kLongestLook = kEthernetHeader + kMaxTags * kTag + kInet6Header;

enum EtherType : std::uint16_t { kIpv4 = 0x0800, kIpv6 = 0x86dd, kVlan = 0x8100, kServiceVlan = 0x88a8 };

// Both header lengths are what the packet says of itself; the shorter of that and the frame is what a head shows.
void read_network_header(PacketView& view, std::span<const std::uint8_t> header, std::uint32_t available) {
    view.network_length = available;
    if (view.ether_type == kIpv4 && header.size() >= kInetHeader && header[0] >> 4U == 4) {
        view.family = Family::inet;
        const std::uint32_t total = read16(&header[2]);
        if (total >= kInetHeader) { // 0 is a segment that the kernel has not cut yet, less is malformed: show it all
            view.network_length = std::min(total, available);
        }
    } else if (view.ether_type == kIpv6 && header.size() >= kInet6Header && header[0] >> 4U == 6) {
        view.family = Family::inet6;
        const std::uint32_t payload = read16(&header[4]);
        if (payload != 0) { // 0 is a jumbogram (RFC 2675), or no payload at all
            view.network_length = std::min(kInet6Header + payload, available);
        }
    }
}

} // namespace

PacketView parse(const Frame& frame) {
    PacketView view;
    std::array<std::uint8_t, kLongestLook> gathered;
    std::span<const std::uint8_t> bytes = frame.head();
    if (bytes.size() < kLongestLook && frame.segment_count() > 1) {
        const std::size_t count = std::min<std::size_t>(frame.length(), kLongestLook);
        if (frame.copy_out(0, std::span(gathered).first(count))) {
            bytes = std::span<const std::uint8_t>(gathered).first(count);
        }
    }
    if (bytes.size() < kEthernetHeader) {
        return view;
    }
    std::uint32_t offset = kEthernetHeader;
    view.ether_type = read16(&bytes[offset - 2]);
    while (view.tags < kMaxTags && (view.ether_type == kVlan || view.ether_type == kServiceVlan) &&
           bytes.size() >= offset + kTag) {
        offset += kTag;
        view.ether_type = read16(&bytes[offset - 2]);
        view.tags++;
    }
    view.network_offset = static_cast<std::uint16_t>(offset);
    read_network_header(view, bytes.subspan(offset), frame.length() - offset);
    return view;
}

} // namespace pfild::core
