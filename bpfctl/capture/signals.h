// SPDX-License-Identifier: BSD-2-Clause
// The signals that tcpdump(8) obeys, as a descriptor: while a Signals lives they do not end the process, but make the
// descriptor readable.
//
//     SIGINT, SIGTERM    end          also where they were ignored: a shell starts its background jobs so
//     SIGHUP             end          unless it was ignored (nohup(1))
//     SIGUSR1            statistics
//     SIGUSR2            flush
//     SIGPIPE            nothing: what is written to a closed pipe fails with EPIPE
//
// Blocks the signals for the calling thread, and unblocks them at the end. => the process has one thread.
#pragma once

#include <csignal>

#include "client/descriptor.h"
#include "core/error.h"

namespace pfild::bpfctl {

/// What signals have asked for.
struct Wishes {
    bool end = false;
    bool statistics = false; ///< to say now what was counted
    bool flush = false;      ///< to write what is there
};

class Signals {
  public:
    [[nodiscard]] static core::Result<Signals> block();
    Signals(Signals&&) noexcept = default;
    Signals& operator=(Signals&&) = delete;
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals();

    /// Readable while there is something to take().
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
    /// What came since the last call. The wish to end stays.
    [[nodiscard]] Wishes take();

  private:
    Signals(client::Descriptor descriptor, const sigset_t& before)
        : descriptor_(std::move(descriptor)), before_(before) {}

    client::Descriptor descriptor_;
    sigset_t before_; ///< the thread's signal mask
    bool end_ = false;
};

} // namespace pfild::bpfctl
