// SPDX-License-Identifier: BSD-2-Clause
#include "core/pfil/folded.h"

#include <algorithm>
#include <cstring>

#include "core/network_order.h"

namespace pfild::core {
namespace {

constexpr std::uint32_t kAddresses = 12;
constexpr std::uint32_t kPayloadLength = 4; ///< where it stands in an IPv6 header
constexpr std::uint32_t kNextHeader = 6;

} // namespace

Folded::Folded(const Frame& frame, const PacketView& view, bool whole, Out out) noexcept {
    const pfild_packet& read = view.read;
    const bool extensions = out.extensions && read.foldable != 0;
    std::uint32_t from = whole ? 0 : read.network;
    if (whole && out.tags && read.transparent != 0) {
        add_link(frame, read);
        from = read.network;
    }
    if (extensions) {
        add_from(frame, from, read.network);
        add_network(frame, read);
        from = read.network + PFILD_INET6_HEADER + read.foldable;
    }
    add_from(frame, from, whole ? frame.length() : read.network + view.network_length);
}

void Folded::add(const std::uint8_t* data, std::uint32_t length) noexcept {
    pieces_[count_++] = {.data = data, .length = length};
    length_ += length;
}

void Folded::add_from(const Frame& frame, std::uint32_t from, std::uint32_t to) noexcept {
    std::uint32_t at = 0;
    frame.each_buffer([&](std::span<std::uint8_t> part) {
        const auto size = static_cast<std::uint32_t>(part.size());
        const std::uint32_t first = std::max(at, from);
        const std::uint32_t last = std::min(at + size, to);
        if (first < last) {
            add(part.data() + (first - at), last - first);
        }
        at += size;
    });
}

void Folded::add_link(const Frame& frame, const pfild_packet& read) noexcept {
    (void)frame.copy_out(0, std::span(link_).first(kAddresses));
    std::uint32_t length = kAddresses;
    for (std::uint32_t tag = read.tags; tag-- > 0;) { // the innermost is the first
        std::memcpy(&link_[length], &read.tag[tag], PFILD_TAG_LENGTH);
        length += PFILD_TAG_LENGTH;
    }
    std::memcpy(&link_[length], &read.type, sizeof(read.type));
    add(link_.data(), length + sizeof(read.type));
}

void Folded::add_network(const Frame& frame, const pfild_packet& read) noexcept {
    (void)frame.copy_out(read.network, network_);
    const std::uint16_t payload = read16(&network_[kPayloadLength]);
    if (payload >= read.foldable) { // 0: it is not said there
        const auto left = static_cast<std::uint16_t>(payload - read.foldable);
        network_[kPayloadLength] = static_cast<std::uint8_t>(left >> 8U);
        network_[kPayloadLength + 1] = static_cast<std::uint8_t>(left);
    }
    network_[kNextHeader] = read.folded_next;
    add(network_.data(), PFILD_INET6_HEADER);
}

} // namespace pfild::core
