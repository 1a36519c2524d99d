// SPDX-License-Identifier: BSD-2-Clause
// Dispatchers of libxdp that run nowhere: it pins one before the device gets it, and unpins it after the device has
// lost it, so a kill in between leaves the pins, and with them the programs. Control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "daemon/kernel/identity.h"

namespace pfild::kernel {

struct UnfinishedDispatcher {
    std::string folder;
    Owner owner; ///< of one of its programs
};

/// Removes the pins of dispatchers that are not among `running`, and whose programs all have a dead owner.
[[nodiscard]] std::vector<UnfinishedDispatcher>
remove_unfinished_dispatchers(const std::set<std::uint32_t>& running, const std::function<bool(const Owner&)>& is_dead);

} // namespace pfild::kernel
