// SPDX-License-Identifier: BSD-2-Clause
// Frames that hooks are measured with: of the kinds that most rules tell apart, and all that a chain answers itself.
// Ethernet without tags; addresses are of the ranges for documentation. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/pfil/head_type.h"

namespace pfild::rules {

/// Those that a hook of that type is shown, as frames; where it is shown less, its packet begins at byte 14.
[[nodiscard]] std::vector<std::vector<std::uint8_t>> sample_frames(core::HeadType type);
inline constexpr std::size_t kNetworkOfSample = 14;

} // namespace pfild::rules
