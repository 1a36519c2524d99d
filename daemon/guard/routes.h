// SPDX-License-Identifier: BSD-2-Clause
// By which interfaces the packets of a connection come and go, by rtnetlink: the route to its peer, and what is below
// the interface of that route.
//
//     route --> eth0.5 (VLAN 5) --> bond0 --> eth0, eth1        packets at eth0 and eth1 have a tag of VLAN 5
//
// A bridge is left by the port that the peer's address was learned at; by any of them if nobody has learned it.
//
// The peer's packets may come by another interface than the route to it has: by the one that has the address to which
// they go, if the kernel takes them there (rp_filter).
//
// Control thread.
#pragma once

#include <vector>

#include "core/error.h"
#include "daemon/guard/connection.h"
#include "daemon/guard/netlink.h"

namespace pfild::guard {

/// The interface of the route first. => `kernel` is rtnetlink of the network namespace of the connection.
[[nodiscard]] core::Result<std::vector<Way>> ways_of(Netlink& kernel, const Connection& connection);

} // namespace pfild::guard
