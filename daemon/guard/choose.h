// SPDX-License-Identifier: BSD-2-Clause
// Which connections must not be cut: those by which the caller is here, else those by which anybody administers the
// host. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "daemon/guard/connection.h"

namespace pfild::guard {

using Inodes = std::set<std::uint64_t>;

struct Watched {
    Connection connection;
    bool accepted = false; ///< its peer has opened it, and may open another
};

/// => `caller` are the sockets of the caller's ancestry, `sshd` those of processes of that name. What does not leave
/// the host is left out.
[[nodiscard]] std::vector<Watched> choose(const Sockets& sockets, const Inodes& caller, const Inodes& sshd,
                                          const std::vector<std::uint16_t>& guard_ports);

} // namespace pfild::guard
