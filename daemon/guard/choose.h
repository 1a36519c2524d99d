// SPDX-License-Identifier: BSD-2-Clause
// Which connections must not be cut: those by which the caller is here, else those by which anybody administers the
// host. What does not leave the host leads nobody to it, but a relay may be at its other end:
//
//     bpfctl <- shell <- sshd  --127.0.0.1-->  ssh -R, a proxy  --TCP-->  the administrator
//
// Pure.
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

using Ports = std::set<std::uint16_t>;

/// What leaves the host of the sockets that are `owned`.
[[nodiscard]] std::vector<Watched> owned_connections(const Sockets& sockets, const Inodes& owned,
                                                     const std::vector<std::uint16_t>& guard_ports);
/// What leaves the host and is at a guarded port, or at one where sshd listens; `sshd` are the sockets of its
/// processes.
[[nodiscard]] std::vector<Watched> guarded_connections(const Sockets& sockets, const Inodes& sshd,
                                                       const std::vector<std::uint16_t>& guard_ports);
/// The sockets at the other ends of those that are `owned` and do not leave the host.
[[nodiscard]] Inodes other_ends(const Sockets& sockets, const Inodes& owned);

} // namespace pfild::guard
