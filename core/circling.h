// SPDX-License-Identifier: BSD-2-Clause
// Finds a packet that comes round again and again: somebody takes off all that says that the engine has had it.
//
// Such a packet is told from equal ones by nothing in it. So this is asked only about lanes of which it is known that
// packets which were sent on do not get where they belong (daemon/interfaces/lane_watch.h); there one packet in
// kMostTurns equal ones is ended. It remembers as many at once as it has places; others have their turn afterwards.
#pragma once

#include <array>
#include <cstdint>

#include "core/frame.h"

namespace pfild::core {

class Circling {
  public:
    static constexpr std::uint32_t kMostTurns = 16;
    static constexpr std::uint64_t kWindowNs = 1'000'000'000; ///< turns are counted for so long, then forgotten

    /// A frame is about to be sent on. True: it has been so often enough, and is to end.
    [[nodiscard]] bool ends(const Frame& frame, std::uint64_t now_ns) noexcept;

  private:
    struct Place {
        std::uint64_t fingerprint = 0;
        std::uint64_t since_ns = 0;
        std::uint32_t turns = 0; ///< 0: free
    };
    static constexpr std::size_t kPlaces = 4096;

    std::array<Place, kPlaces> places_{};
};

} // namespace pfild::core
