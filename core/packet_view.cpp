// SPDX-License-Identifier: BSD-2-Clause
#include "core/packet_view.h"

#include <algorithm>

#include "pfild/upper_layer.h"

namespace pfild::core {
namespace {

// Goes on where the first buffer has ended amid tags.
void take_tags_across(const Frame& frame, pfild_packet& packet) {
    std::array<std::uint8_t, PFILD_TAG_LENGTH> tag; // filled by copy_out
    while (pfild_is_tag(packet.type) != 0 && frame.copy_out(packet.network, tag) &&
           pfild_take_tag(&packet, packet.type, pfild_be16_at(tag.data()), 1) != 0) {
        packet.type = pfild_be16_at(&tag[2]);
        packet.network += PFILD_TAG_LENGTH;
    }
}

// Of a frame whose headers are not all in its first buffer.
void read_across(const Frame& frame, pfild_packet& packet) {
    std::array<std::uint8_t, PFILD_NETWORK_LOOK> gathered;
    const std::span<std::uint8_t> link = std::span(gathered).first(PFILD_ETHERNET_HEADER);
    packet = {};
    if (!frame.copy_out(0, link)) {
        return;
    }
    (void)pfild_read_link(&packet, link.data(), link.data() + link.size(), 1);
    take_tags_across(frame, packet);
    const std::uint32_t behind = frame.length() - packet.network;
    const std::span<std::uint8_t> network = std::span(gathered).first(std::min<std::size_t>(behind, gathered.size()));
    (void)frame.copy_out(packet.network, network);
    pfild_read_network(&packet, network.data(), network.data() + network.size(), behind);
}

void read(const Frame& frame, pfild_packet& packet) {
    const std::span<const std::uint8_t> bytes = frame.head();
    const std::uint8_t* end = bytes.data() + bytes.size();
    const std::uint8_t* at = pfild_read_link(&packet, bytes.data(), end, 1);
    const bool whole = at != nullptr && bytes.size() - packet.network >= PFILD_NETWORK_LOOK;
    if (!whole && frame.buffer_count() > 1) {
        read_across(frame, packet);
    } else if (at != nullptr) {
        pfild_read_network(&packet, at, end, frame.length() - packet.network);
    }
}

// What a head shows is by the packet's own word, and no more than there is.
std::uint32_t shown_length(const pfild_packet& packet, std::uint32_t available) {
    const std::uint32_t least = packet.family == 4 ? PFILD_INET_HEADER : PFILD_INET6_HEADER;
    const bool said = packet.family != 0 && packet.length >= least; // IPv4 that says less is malformed: show it all
    return said ? std::min(packet.length, available) : available;
}

} // namespace

PacketView parse(const Frame& frame) {
    PacketView view;
    read(frame, view.read);
    if (view.read.network == 0) {
        return view;
    }
    view.family = view.read.family == 4 ? Family::kInet : view.read.family == 6 ? Family::kInet6 : Family::kOther;
    view.tags = view.read.tags;
    view.ether_type = PFILD_BE16(view.read.type);
    view.network_offset = view.read.network;
    view.network_length = shown_length(view.read, frame.length() - view.network_offset);
    return view;
}

} // namespace pfild::core
