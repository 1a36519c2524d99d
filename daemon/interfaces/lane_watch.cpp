// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/interfaces/lane_watch.h"

namespace pfild::interfaces {

LaneWatch::Look LaneWatch::look(const pfild_counters& counters, bool head_was_there) {
    const auto came = [&](pfild_counter which) { return counters.count[which] - last_.count[which]; };
    const std::uint64_t returned = came(PFILD_COUNT_RETURNED);
    const std::uint64_t arrived = came(PFILD_COUNT_REENTERED) + came(PFILD_COUNT_DROPPED_STAMP);
    const std::uint64_t missing = returned > arrived && head_was_there ? returned - arrived : 0;
    const bool too_many = missing * kOneIn > returned;
    const bool circled = circles_;

    Look look;
    look.first_part = last_.count[PFILD_COUNT_DROPPED_STAMP] == 0 && counters.count[PFILD_COUNT_DROPPED_STAMP] != 0;
    last_ = counters;
    quiet_ = too_many ? 0 : quiet_ + 1;
    circles_ = circles_ ? quiet_ < kQuietLooks : too_many && missing >= kMany;
    look.circles = circles_;
    look.changed = circles_ != circled;
    return look;
}

} // namespace pfild::interfaces
