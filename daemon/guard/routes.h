// SPDX-License-Identifier: BSD-2-Clause
// By which interfaces the packets of a connection come and go, by rtnetlink: the route to its peer, and what is below
// the interface of that route.
//
//     route --> eth0.5 (VLAN 5) --> bond0 --> eth0, eth1        packets at eth0 and eth1 have a tag of VLAN 5
//
// A bridge is left by the port that the peer's address was learned at; by any of them if nobody has learned it.
//
// Control thread, in the network namespace of the connection.
#pragma once

#include <vector>

#include "core/error.h"
#include "daemon/guard/connection.h"

namespace pfild::guard {

/// The interface of the route first.
[[nodiscard]] core::Result<std::vector<Way>> ways_of(const Connection& connection);

} // namespace pfild::guard
