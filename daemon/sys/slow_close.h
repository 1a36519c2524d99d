// SPDX-License-Identifier: BSD-2-Clause
// close(2) of a foreign descriptor can wait for ever: it asks the file system to flush, and that of FUSE is a process
// which need not answer. Descriptors that somebody has sent are closed aside therefore, each by a thread of its own.
// The kernel takes a descriptor out of the table before it flushes, so a close that waits holds up neither others nor
// the end of the process.
//
// As many as kMostClosing can wait at once. While they do, nobody is to receive more: what a recvmsg(2) has no room
// for, the kernel lets go without a flush.
#pragma once

#include <atomic>
#include <memory>

#include "daemon/sys/fd.h"

namespace pfild::sys {

class SlowClose {
  public:
    static constexpr int kMostClosing = 4;

    /// Whether another descriptor may be received.
    [[nodiscard]] bool has_room() const noexcept { return closing_->load(std::memory_order_acquire) < kMostClosing; }

    /// Returns at once. Where there is no thread to be had, it is closed here.
    void close(Fd descriptor) noexcept;

  private:
    std::shared_ptr<std::atomic<int>> closing_ =
        std::make_shared<std::atomic<int>>(0); ///< outlives this, with its threads
};

} // namespace pfild::sys
