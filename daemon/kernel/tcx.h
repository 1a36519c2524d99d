// SPDX-License-Identifier: BSD-2-Clause
// Programs attached by TCX (kernel 6.6): a list of programs at ingress and egress of a device, without a qdisc.
//
// Better than clsact where it is: making or removing a clsact takes the device's queues down for a moment and loses
// what is being sent then. Attached without a link, so a program stays when the daemon dies. Ours goes first in the
// list; it is found again by its name. Every call is for the namespace that the calling thread is in.
#pragma once

#include <cstdint>

#include "core/direction.h"
#include "core/error.h"

namespace pfild::kernel::tcx {

/// Whether the kernel has it.
[[nodiscard]] bool supported(std::uint32_t ifindex);
/// Attaches first in the list, or takes the place of the program called `name` that is there, in one step.
[[nodiscard]] core::Result<void> attach(std::uint32_t ifindex, core::Direction direction, int program_fd,
                                        const char* name);
[[nodiscard]] bool present(std::uint32_t ifindex, core::Direction direction, const char* name);
/// Nothing there is no error.
void detach(std::uint32_t ifindex, core::Direction direction, const char* name);

} // namespace pfild::kernel::tcx
