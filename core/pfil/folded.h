// SPDX-License-Identifier: BSD-2-Clause
// A packet without what the host's stack takes out before it looks for ports: transparent tags, and
// IPv6 extension headers.
//
//     as it is   | addresses | tag 0 | tag 5 | tag 0 | type | IPv6, 60 | options, 6 | TCP .. |
//     folded     | addresses | tag 5 | type | IPv6, 6 | TCP .. |
//
// No byte of the frame is copied but those in front of what stays: the rest is seen where it lies. The payload length
// of IPv6 is mended, extension headers end in front of that of a later fragment. On the stack, allocates nothing.
#pragma once

#include <array>
#include <cstdint>

#include "cbpf/packet.h"
#include "core/frame.h"
#include "core/packet_view.h"

namespace pfild::core {

class Folded {
  public:
    /// What is taken out, if it is there.
    struct Out {
        bool tags = false;
        bool extensions = false;
    };

    /// From the Ethernet header on if `whole`, else from the network header on. => both outlive this object.
    Folded(const Frame& frame, const PacketView& view, bool whole, Out out) noexcept;
    Folded(const Folded&) = delete;
    Folded& operator=(const Folded&) = delete;
    ~Folded() = default;

    [[nodiscard]] cbpf::Packet packet() const noexcept {
        const std::span<const cbpf::Piece> used = std::span(pieces_).first(count_);
        return {used, 0, length_};
    }

  private:
    static constexpr std::size_t kLink = PFILD_ETHERNET_HEADER + PFILD_MAX_TAGS * PFILD_TAG_LENGTH;
    static constexpr std::size_t kPieces = 3; ///< link, IPv6 header and what may have to be split for them

    void add(const std::uint8_t* data, std::uint32_t length) noexcept;
    void add_from(const Frame& frame, std::uint32_t from, std::uint32_t to) noexcept;
    void add_link(const Frame& frame, const pfild_packet& read) noexcept;
    void add_network(const Frame& frame, const pfild_packet& read) noexcept;

    std::array<std::uint8_t, kLink> link_;                 // filled by add_link
    std::array<std::uint8_t, PFILD_INET6_HEADER> network_; // filled by add_network
    std::array<cbpf::Piece, kMaxFrameBuffers + kPieces> pieces_;
    std::size_t count_ = 0;
    std::uint32_t length_ = 0;
};

} // namespace pfild::core
