// SPDX-License-Identifier: BSD-2-Clause
// What a program looks at that is not yet, under TC, what it will be on the wire, and what the engine sees:
//
//     checksum   of TCP, UDP and SCTP: whoever sends may leave it to the device. Nothing tells a head whether it did
//     segments   a socket buffer may stand for many packets (GSO), which will differ in lengths, identifications,
//                sequence numbers, flags and payload
//
// Finished are the header of the link, that of IP but for what is said above, and of the transport header behind an
// IPv4 header (found by `ldx 4*([k]&0xf)`) or an IPv6 header without extensions the ports; and the flags of TCP but for
// segments. All else is taken to be unfinished: inside of a payload may be another packet, with a checksum of its own.
// Conservative: what is said to be finished is, whatever the packet.
//
// Pure; any thread. One pass over the program.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "cbpf/flow_dependence.h"
#include "cbpf/program.h"

namespace pfild::cbpf {

/// The first instruction that looks at something unfinished, and in words what that is.
struct UnfinishedRead {
    std::size_t instruction;
    std::string why; ///< "uses the packet length, in which the segments of a packet differ that is not cut yet"

    bool operator==(const UnfinishedRead&) const = default;
};

/// Nothing: the program's answer does not depend on it.
struct Unfinished {
    std::optional<UnfinishedRead> checksum;
    std::optional<UnfinishedRead> segments;
};

[[nodiscard]] Unfinished unfinished_of(const Program& program, PacketForm form);

} // namespace pfild::cbpf
