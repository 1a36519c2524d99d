// SPDX-License-Identifier: BSD-2-Clause
// Programs attached as TC filters on a clsact qdisc: what every supported kernel has. Ours has a handle of its own and
// comes before foreign filters where it can. Foreign filters and a foreign clsact are never touched; a clsact that came
// with us goes with us, if nobody else uses it. Every call is for the namespace that the calling thread is in.
#pragma once

#include <cstdint>

#include "core/direction.h"
#include "core/error.h"

namespace pfild::kernel::clsact {

/// Attaches, or takes the place of the filter of ours that is there, in one step. Returns the filter's preference.
[[nodiscard]] core::Result<std::uint32_t> attach(std::uint32_t ifindex, core::Direction direction, int program_fd);
[[nodiscard]] bool present(std::uint32_t ifindex, core::Direction direction);
/// Both directions; nothing there is no error.
void detach(std::uint32_t ifindex);

} // namespace pfild::kernel::clsact
