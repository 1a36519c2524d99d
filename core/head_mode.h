// SPDX-License-Identifier: BSD-2-Clause
// Where the IN head of an interface runs. Said per interface, at attach.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::core {

enum class HeadMode : std::uint8_t {
    kAutomatic, ///< native XDP on hardware, if it can be had; TC otherwise
    kXdp,
    kTc,
    kTap, ///< nowhere: packets are only shown to capture devices, and pass
};
inline constexpr std::array<std::string_view, 4> kHeadModeNames{"auto", "xdp", "tc", "tap"};
static_assert(static_cast<std::size_t>(HeadMode::kTap) + 1 == kHeadModeNames.size());

} // namespace pfild::core
