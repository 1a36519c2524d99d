// SPDX-License-Identifier: BSD-2-Clause
// See daemon/sys/slow_close.h.
#include "daemon/sys/slow_close.h"

#include <system_error>
#include <thread>
#include <utility>

namespace pfild::sys {

void SlowClose::close(Fd descriptor) noexcept {
    closing_->fetch_add(1, std::memory_order_acq_rel);
    const auto closing = closing_;
    try {
        std::thread([closing, number = descriptor.get()] {
            Fd(number).reset();
            closing->fetch_sub(1, std::memory_order_acq_rel);
        }).detach();
        (void)descriptor.release(); // the thread's now
    } catch (const std::system_error&) {
        descriptor.reset();
        closing->fetch_sub(1, std::memory_order_acq_rel);
    }
}

} // namespace pfild::sys
