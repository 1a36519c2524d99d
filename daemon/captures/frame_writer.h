// SPDX-License-Identifier: BSD-2-Clause
// Sends the frames that programs write to their devices, by a packet socket: so they meet the interface's OUT head, its
// queue and its captures as those of the host do (contract 2.7). Nothing waits. Device thread, in the instance's
// namespace when it is opened.
#pragma once

#include <cstdint>

#include "capture/device_table.h"
#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::captures {

class FrameWriter {
  public:
    /// What socket(2) says.
    [[nodiscard]] static core::Result<FrameWriter> open();

    /// capture::TapPort::write().
    [[nodiscard]] core::Result<void> write(std::uint32_t ifindex, const capture::WrittenFrame& frame) const;

  private:
    explicit FrameWriter(sys::Fd socket) noexcept : socket_(std::move(socket)) {}

    sys::Fd socket_;
};

} // namespace pfild::captures
