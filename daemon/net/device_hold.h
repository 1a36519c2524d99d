// SPDX-License-Identifier: BSD-2-Clause
// One device of a namespace, told apart from another that gets its index, name and address when it has left.
#pragma once

#include <cstdint>
#include <vector>

#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::net {

/// A packet socket that hears nothing, bound to the device. The kernel unbinds it when the device leaves the namespace
/// or ends, whatever comes after it. It keeps no device from going.
class DeviceHold {
  public:
    /// Of the namespace that the calling thread is in. ENODEV: none there has that index.
    [[nodiscard]] static core::Result<DeviceHold> take(std::uint32_t ifindex);
    /// Whether it has been there all the time. From any namespace; needs no descriptor.
    [[nodiscard]] bool is_here() const;
    /// Ends all of them, which waits for the kernel once.
    static void end(std::vector<DeviceHold> all) noexcept;

  private:
    DeviceHold(sys::Fd socket, std::uint32_t ifindex) : socket_(std::move(socket)), ifindex_(ifindex) {}

    sys::Fd socket_;
    std::uint32_t ifindex_;
};

} // namespace pfild::net
