// SPDX-License-Identifier: BSD-2-Clause
// Looks at the counters of a lane once a second: do packets that the engine sent on get where they belong? Pure.
//
// What the port stamps (returned) the head takes as back (reentered). A packet whose stamp is rewritten on that way is
// dropped by the head when a part is left (dropped_stamp), and diverted again when nothing is: it circles, as fast as
// the engine goes. While the head is in place nothing else loses so many: what a full backlog loses is taken for
// circling only if it is an eighth of all, and thousands a second.
#pragma once

#include <cstdint>

#include "pfild/abi.h"

namespace pfild::interfaces {

class LaneWatch {
  public:
    struct Look {
        bool circles = false;
        bool changed = false;    ///< it did not at the last look, or did
        bool first_part = false; ///< the first packet with a part of the stamp has come since the last look
    };
    /// The counters now, which were 0 when the lane was made. head_was_there: all the time since the last look.
    [[nodiscard]] Look look(const pfild_counters& counters, bool head_was_there);

  private:
    static constexpr std::uint64_t kMany = 4096; ///< more than one round of a full backlog loses
    static constexpr std::uint64_t kOneIn = 8;   ///< of those that were sent on
    static constexpr int kQuietLooks = 3;

    pfild_counters last_{};
    bool circles_ = false;
    int quiet_ = 0;
};

} // namespace pfild::interfaces
