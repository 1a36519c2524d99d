// SPDX-License-Identifier: BSD-2-Clause
// What the ops of include/pfild/wire.h that set and get something do to a device: its ioctls (contract 2.8). Those that
// make, end or read a device are the connection's. Device thread.
#pragma once

#include <cstdint>
#include <vector>

#include "capture/device_table.h"
#include "daemon/device/request.h"

namespace pfild::device {

/// A payload of a reply.
using Bytes = std::vector<std::uint8_t>;

/// => `device` is the table's device `number`.
struct Operand {
    capture::DeviceTable& table;
    capture::DeviceNumber number;
    capture::Device& device;
};

/// The errors of that op in wire.h. => `op` is none of OPEN, CLOSE, READ, CANCEL, SHARE, WRITE, and `payload` is what
/// decode() has made for it.
[[nodiscard]] core::Result<Bytes> operate(pfild_op op, const Operand& on, Payload payload);

} // namespace pfild::device
