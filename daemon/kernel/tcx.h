// SPDX-License-Identifier: BSD-2-Clause
// Programs attached by TCX (kernel 6.6): a list of programs at ingress and egress of a device, without a qdisc.
//
// Better than clsact where it is: making or removing a clsact takes the device's queues down for a moment and loses
// what is being sent then. Attached without a link, so a program stays when the daemon dies. Every call is for the
// namespace that the calling thread is in.
#pragma once

#include <cstdint>
#include <vector>

#include "core/direction.h"
#include "core/error.h"

namespace pfild::kernel::tcx {

/// Whether the kernel has it. True as well of a device that is gone.
[[nodiscard]] bool supported(std::uint32_t ifindex);
/// The kernel's numbers of all programs there, whoever's, in the order in which packets meet them.
[[nodiscard]] std::vector<std::uint32_t> list(std::uint32_t ifindex, core::Direction direction);
/// Attaches before all others. => The program is not there yet.
[[nodiscard]] core::Result<void> attach_first(std::uint32_t ifindex, core::Direction direction, int program_fd);
/// Takes the place of another program, in one step.
[[nodiscard]] core::Result<void> replace(std::uint32_t ifindex, core::Direction direction, int program_fd, int old_fd);
/// Not there is no error.
void detach(std::uint32_t ifindex, core::Direction direction, std::uint32_t program);

} // namespace pfild::kernel::tcx
