// SPDX-License-Identifier: BSD-2-Clause
// Which class of what keeps a link up a frame is (pfild/upkeep.h), as heads find it; and what a hook shall be asked of
// that.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/direction.h"
#include "core/frame.h"
#include "core/packet_view.h"
#include "pfild/upkeep.h"

namespace pfild::core {

/// Bits PFILD_UPKEEP_BIT(class).
using UpkeepClasses = std::uint64_t;
inline constexpr UpkeepClasses kAllUpkeep = ~UpkeepClasses{0};
/// By direction: what some hook there is asked about.
using AskedUpkeep = std::array<UpkeepClasses, kDirections>;

/// Which of it a hook is asked about.
enum class Neighbours : std::uint8_t {
    kAutomatic, ///< what its program tells from other packets (cbpf/upkeep.h)
    kObey,      ///< all that it is shown
    kPass,      ///< nothing: it all passes
};
inline constexpr std::array<std::string_view, 3> kNeighboursNames{"auto", "obey", "pass"};
static_assert(static_cast<std::size_t>(Neighbours::kPass) + 1 == kNeighboursNames.size());

/// The class; PFILD_NO_UPKEEP: none. => `view` is of the frame.
[[nodiscard]] std::uint32_t upkeep_of(const Frame& frame, const PacketView& view) noexcept;

/// "ARP", "router advertisements": the kinds among classes, whatever tags they are in.
[[nodiscard]] std::vector<std::string_view> upkeep_names(UpkeepClasses classes);

} // namespace pfild::core
