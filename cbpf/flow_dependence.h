// SPDX-License-Identifier: BSD-2-Clause
// Does a program answer per flow or per packet? Decided by reading the program, before any packet comes.
//
// A program answers per flow when its result is the same for every canonical packet of a flow (pfild/flow.h), whatever
// those packets differ in: header options, time to live, lengths, payload, MAC addresses. Only then may its answer be
// kept and used for packets that the program never sees.
//
// "Per flow" is proved, never guessed. "Per packet" may be said of a program that only looks as if it depended on more
// than the flow: it is then run for every packet, which costs time and nothing else. What people write with tcpdump's
// language about protocols, addresses, ports and VLANs is found to be per flow.
//
// Pure; any thread. One pass over the program for every form that a packet may have, at most six.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "cbpf/packet_form.h"
#include "cbpf/program.h"

namespace pfild::cbpf {

/// Why a program must see every packet.
struct PerPacket {
    std::size_t instruction; ///< that brings in what is not part of the flow; the first found
    std::string why;         ///< "reads byte 8 (time to live), which is not part of the flow"

    bool operator==(const PerPacket&) const = default;
};

/// Nothing: the result is the same for every canonical packet of a flow, seen in the same direction.
[[nodiscard]] std::optional<PerPacket> why_per_packet(const Program& program, PacketForm form);

} // namespace pfild::cbpf
