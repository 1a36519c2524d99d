// SPDX-License-Identifier: BSD-2-Clause
// Sends the frames that programs write to their devices, by a packet socket: so they meet the interface's OUT head, its
// queue and its captures as those of the host do (contract 2.7). Nothing waits. Device thread.
//
//      write() --> interface, OUT head --> wire
//         '-- feedback --> p0 ==veth==> p1 --reentry_in--> interface, IN head: back from the engine --> stack
//
// What comes in again goes the way of packets that the engine has let pass (bpf/port.bpf.c): with the stamp of its lane
// the IN head neither shows it to captures nor asks hooks (BD-78), and the stack judges it as any other (BD-79).
#pragma once

#include <cstdint>

#include "capture/device_table.h"
#include "core/error.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/netns.h"

namespace pfild::captures {

class FrameWriter {
  public:
    /// engine: the namespace of p0; the calling thread is in that of the interfaces. What socket(2) and setns(2) say.
    [[nodiscard]] static core::Result<FrameWriter> open(const sys::NetNs& engine);

    /// capture::TapPort::write(). way_in: index of the interface's p0; 0: it has none.
    [[nodiscard]] core::Result<void> write(std::uint32_t ifindex, std::uint32_t way_in,
                                           const capture::WrittenFrame& frame) const;

  private:
    FrameWriter(sys::Fd out, sys::Fd in) noexcept : out_(std::move(out)), in_(std::move(in)) {}

    sys::Fd out_;
    sys::Fd in_;
};

} // namespace pfild::captures
