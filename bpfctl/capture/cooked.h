// SPDX-License-Identifier: BSD-2-Clause
// A packet with a "cooked" header (LINKTYPE_LINUX_SLL2) in place of its Ethernet header, or before its IP header: so
// tcpdump(8) prints interface and direction of each packet, as it does for its own `-i any`.
//
//     | protocol 2 | zero 2 | ifindex 4 | ARPHRD_ 2 | packet type 1 | address length 1 | source address 8 | packet ..
//
// Big-endian. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "client/record_reader.h"
#include "filter/link_type.h"

namespace pfild::bpfctl {

inline constexpr filter::LinkType kCooked{276, "LINUX_SLL2"};
inline constexpr std::uint32_t kCookedHeader = 20; ///< bytes

/// The packet; its bytes are in `bytes`, which is overwritten.
[[nodiscard]] client::Record cooked(const client::Record& packet, filter::LinkType link_type,
                                    std::vector<std::uint8_t>& bytes);

} // namespace pfild::bpfctl
