// SPDX-License-Identifier: BSD-2-Clause
// A packet as the tap hands it over: its bytes in one piece or several, and what the tap knew of it.
//
// A view: the pieces and their bytes outlive it. Any thread.
#pragma once

#include <cstdint>
#include <span>

#include "cbpf/packet.h"
#include "core/direction.h"

namespace pfild::capture {

/// What is known of a packet beside its bytes.
struct TapFacts {
    std::uint32_t wire_length = 0; ///< bytes; the tap may have taken fewer
    std::uint32_t ifindex = 0;
    core::Direction direction = core::Direction::kIn;
    std::uint64_t realtime_ns = 0; ///< since 1970-01-01 UTC
};

class TappedPacket {
  public:
    TappedPacket(std::span<const cbpf::Piece> pieces, const TapFacts& facts) noexcept
        : pieces_(pieces), facts_(facts), view_(pieces, 0, facts.wire_length) {}

    [[nodiscard]] std::span<const cbpf::Piece> pieces() const noexcept { return pieces_; }
    [[nodiscard]] const TapFacts& facts() const noexcept { return facts_; }
    /// What a filter sees of it.
    [[nodiscard]] const cbpf::Packet& view() const noexcept { return view_; }

  private:
    std::span<const cbpf::Piece> pieces_;
    TapFacts facts_;
    cbpf::Packet view_;
};

} // namespace pfild::capture
