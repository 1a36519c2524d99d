// SPDX-License-Identifier: BSD-2-Clause
// How much of each packet a filter needs, read from its program, so that the tap copies no more.
//
// Two numbers: what decides (the loads), and what is to be kept (the returns), as cbpf/analysis finds them. Where it
// finds no bound, all of the packet is needed: that is never wrong, only slower. Pure; any thread.
#pragma once

#include <cstdint>

#include "cbpf/analysis/dependence.h"
#include "cbpf/program.h"

namespace pfild::capture {

using cbpf::kWholePacket;

struct NeededLength {
    std::uint32_t to_judge = 0; ///< the program answers the same for every packet with these first bytes
    std::uint32_t to_keep = 0;  ///< the most bytes that it can ask for

    friend bool operator==(const NeededLength&, const NeededLength&) = default;
};

[[nodiscard]] NeededLength needed_length(const cbpf::Program& program);

} // namespace pfild::capture
