// SPDX-License-Identifier: BSD-2-Clause
// What a capture shall be: the words of `bpfctl capture`, understood.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bpfctl/capture/rotating_sink.h"
#include "cbpf/instruction.h"
#include "core/direction.h"
#include "core/error.h"
#include "filter/expression.h"

namespace pfild::bpfctl {

struct CapturePlan {
    std::vector<std::string> interfaces; ///< at least one; "any": all Ethernet ones that are attached
    std::string expression;              ///< pcap-filter(7); empty: every packet
    filter::Names names = filter::Names::kNumeric;
    std::optional<std::string> file;    ///< "-": standard output; nothing: packets are shown
    std::optional<std::string> format;  ///< "pcap" or "pcapng"; nothing: by the file's name, and what is in it
    Rotation rotation;                  ///< of the file
    std::optional<std::uint64_t> bytes; ///< of all files at most; then it ends
    std::optional<std::chrono::seconds> duration; ///< after which it ends
    std::optional<std::uint64_t> count;           ///< packets after which it ends
    int snap_length = filter::kSnapLength;        ///< bytes of a packet at most
    core::Directions directions = core::Directions::both();
    bool immediate = false;
    bool wait = false;                     ///< for interfaces that are not attached yet
    bool link_header = false;              ///< is shown
    bool promiscuous = true;               ///< where the interface can be, which is any one that is named
    std::uint32_t buffer_size = 4'194'304; ///< bytes, asked for

    /// Is somebody waiting for each packet?
    [[nodiscard]] bool live() const { return !file.has_value(); }
    /// Whether the file is pcapng: asked for, by its name, or because there is more to say than pcap can.
    [[nodiscard]] bool is_pcapng() const;
    /// The program for packets of an interface; none: every packet, whole. Knows the interface's netmask. EINVAL:
    /// what libpcap says of the expression, or that it is too long.
    [[nodiscard]] core::Result<std::vector<cbpf::Instruction>> program(const std::string& interface,
                                                                       filter::LinkType link_type) const;
};

} // namespace pfild::bpfctl
