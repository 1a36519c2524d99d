// SPDX-License-Identifier: BSD-2-Clause
// SIGINT, SIGTERM and SIGHUP as a descriptor: while a StopSignals lives they do not end the process, but make it
// readable. Those that were ignored stay ignored (nohup(1)). Nor does SIGPIPE end the process; what is written to a
// closed pipe fails with EPIPE.
//
// Blocks the signals for the calling thread, and unblocks them at the end. => the process has one thread.
#pragma once

#include <csignal>

#include "client/descriptor.h"
#include "core/error.h"

namespace pfild::bpfctl {

class StopSignals {
  public:
    [[nodiscard]] static core::Result<StopSignals> block();
    StopSignals(StopSignals&&) noexcept = default;
    StopSignals& operator=(StopSignals&&) = delete;
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
    ~StopSignals();

    /// Readable from the first signal on.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

  private:
    StopSignals(client::Descriptor descriptor, const sigset_t& before)
        : descriptor_(std::move(descriptor)), before_(before) {}

    client::Descriptor descriptor_;
    sigset_t before_; ///< the thread's signal mask
};

} // namespace pfild::bpfctl
