// SPDX-License-Identifier: BSD-2-Clause
// The key of a flow (include/pfild/flow.h) in the engine: read from a frame, compared, and turned back into a
// packet that stands for every canonical packet of the flow.
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "core/direction.h"
#include "core/frame.h"
#include "core/packet_view.h"
#include "pfild/flow.h"

namespace pfild::core {

using FlowKey = pfild_flow_key;

[[nodiscard]] inline bool same(const FlowKey& left, const FlowKey& right) {
    return std::memcmp(&left, &right, sizeof(FlowKey)) == 0;
}

/// The key that the head of `direction` reads from the same frame, which is without label. Nothing: not canonical.
[[nodiscard]] std::optional<FlowKey> read_flow_key(const Frame& frame, std::uint32_t ifindex, Direction direction);

/// Whether the packet is a SYN that opens a TCP connection (RFC 9293, 3.5): its sender has nothing more to say before
/// it is answered.
[[nodiscard]] bool opens_connection(const PacketView& view);

/// A canonical packet of the flow in that direction: Ethernet header, tags, network header, four bytes that are the
/// ports where there are any. Whatever is not in the key is 0. Network byte order.
[[nodiscard]] std::vector<std::uint8_t> representative(const FlowKey& key, Direction direction);

} // namespace pfild::core
