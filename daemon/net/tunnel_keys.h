// SPDX-License-Identifier: BSD-2-Clause
// Tunnels in `external` mode: the key, the far end and the options of each packet lie beside it, not in it. Who hands
// such a packet to userspace and back loses them.
#pragma once

struct nlattr;

namespace pfild::net {

/// link_info: IFLA_LINKINFO of an RTM_NEWLINK message, or nullptr. Knows the tunnels that have an Ethernet header; no
/// other can be filtered.
[[nodiscard]] bool has_tunnel_keys(nlattr* link_info);

} // namespace pfild::net
