// SPDX-License-Identifier: BSD-2-Clause
// How long a thread may be kept busy by what others ask of it: a bucket that holds `most` nanoseconds, full at first,
// and gets 1/kShare of the time that goes by. Work is begun while there is something in it and paid for afterwards, so
// a piece of work that was long is paid off before the next. Time is an argument, a clock that does not jump.
#pragma once

#include <algorithm>
#include <cstdint>

namespace pfild::capture {

class WorkBudget {
  public:
    static constexpr std::int64_t kShare = 20;

    explicit WorkBudget(std::int64_t most_ns) : most_ns_(most_ns), left_ns_(most_ns) {}

    [[nodiscard]] bool allows(std::uint64_t now_ns) {
        if (then_ns_ != 0) {
            left_ns_ = std::min(most_ns_, left_ns_ + static_cast<std::int64_t>(now_ns - then_ns_) / kShare);
        }
        then_ns_ = now_ns;
        return left_ns_ > 0;
    }
    void pay(std::uint64_t ns) { left_ns_ -= static_cast<std::int64_t>(ns); }

  private:
    std::int64_t most_ns_;
    std::int64_t left_ns_; ///< less than nothing: to be paid off
    std::uint64_t then_ns_ = 0;
};

} // namespace pfild::capture
