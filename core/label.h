// SPDX-License-Identifier: BSD-2-Clause
// The label that a head puts on a packet for the engine (include/pfild/abi.h has its layout), read and taken off.
#pragma once

#include <cstdint>
#include <optional>

#include "core/frame.h"

namespace pfild::core {

struct Label {
    bool forwarded = false;        ///< PFIL_FWD
    std::uint16_t incarnation = 0; ///< of the flow's entry that the head counted it in; 0: none
};

/// Takes the label off: the frame is as it was on the interface, tags and all. nullopt, frame untouched: there was
/// none.
[[nodiscard]] std::optional<Label> take_label(Frame& frame);

} // namespace pfild::core
