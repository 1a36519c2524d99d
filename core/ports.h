// SPDX-License-Identifier: BSD-2-Clause
// What the engine needs of the world: an end of a port, where packets come up from a head and go down to the stack or
// the wire. The AF_XDP sockets implement it (daemon/xsk); a test's version is a table.
#pragma once

#include <cstddef>
#include <span>

#include "core/frame.h"

namespace pfild::core {

class FramePort {
  public:
    FramePort() = default;
    FramePort(const FramePort&) = delete;
    FramePort& operator=(const FramePort&) = delete;
    virtual ~FramePort() = default;

    /// Takes up to out.size() frames that have come up, in order of arrival; returns how many. Never waits.
    [[nodiscard]] virtual std::size_t receive(std::span<Frame> out) noexcept = 0;
    /// Sends frames down in order; returns how many were taken, those are empty then. The rest did not fit.
    [[nodiscard]] virtual std::size_t transmit(std::span<Frame> frames) noexcept = 0;
    /// What is due after a batch: see that sent frames leave, take back what has left, offer free buffers for more.
    virtual void after_batch() noexcept = 0;
};

} // namespace pfild::core
