// SPDX-License-Identifier: BSD-2-Clause
// See daemon/captures/looks.h.
#include "daemon/captures/looks.h"

#include <algorithm>

namespace pfild::captures {

void Looks::wake_up() noexcept {
    empty_ = 0;
    period_ = kShortest;
}

void Looks::paused() noexcept {
    ++pauses_;
    period_ = kShortest;
}

void Looks::looked(std::size_t packets, bool more, bool urgent) noexcept {
    pauses_ = 0;
    empty_ = packets == 0 ? empty_ + 1 : 0;
    if (empty_ >= kBeforeSleep) {
        period_ = Period(0);
    } else if (more) {
        period_ = kAtOnce;
    } else if (urgent || packets > kMany) {
        period_ = kShortest;
    } else {
        const Period longest = std::clamp(Period(ring_bytes_ / kFastest), kShortest, kLongest);
        period_ = std::max(packets < kFew ? std::min(2 * period_, longest) : period_, kShortest);
    }
}

} // namespace pfild::captures
