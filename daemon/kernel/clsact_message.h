// SPDX-License-Identifier: BSD-2-Clause
// A clsact qdisc and its first filter in one message of rtnetlink. The kernel answers a message whole, also to a
// process that is being killed: so a killed daemon leaves no qdisc without a filter, which tells whose it is.
#pragma once

#include <cstdint>
#include <string>

#include "core/direction.h"
#include "core/error.h"

namespace pfild::kernel::clsact {

/// Whether the device has a qdisc of this kind, or the older "ingress", of which there is but one.
[[nodiscard]] core::Result<bool> has_qdisc(std::uint32_t ifindex);

/// What the kernel said, as numbers of errno; 0: done.
struct MadeQdisc {
    int qdisc = 0;
    int filter = 0;
};

/// The filter has preference 1 and says directly what becomes of a packet. It is tried even where no qdisc could be
/// made. name: what `tc filter show` shows.
[[nodiscard]] core::Result<MadeQdisc> make_qdisc_with_filter(std::uint32_t ifindex, core::Direction direction,
                                                             std::uint32_t handle, int program_fd,
                                                             const std::string& name);

} // namespace pfild::kernel::clsact
