// SPDX-License-Identifier: BSD-2-Clause
// How much of each packet a filter needs, read from its program, so that the tap copies no more.
//
// Two numbers: what decides (the loads), and what is to be kept (the returns). Where the program computes either, all
// of the packet is needed: that is never wrong, only slower. Pure; any thread.
#pragma once

#include <cstdint>

#include "cbpf/program.h"

namespace pfild::core {

/// More than any packet has.
inline constexpr std::uint32_t kWholePacket = ~std::uint32_t{0};

struct NeededLength {
    std::uint32_t to_judge = 0; ///< the program answers the same for every packet with these first bytes
    std::uint32_t to_keep = 0;  ///< the most bytes that it can ask for

    friend bool operator==(const NeededLength&, const NeededLength&) = default;
};

[[nodiscard]] NeededLength needed_length(const cbpf::Program& program);

} // namespace pfild::core
