// SPDX-License-Identifier: BSD-2-Clause
// Where the heads of an interface are among other programs there. Said per interface, at attach.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::core {

enum class HeadPosition : std::uint8_t {
    kAnywhere, ///< a program that comes in front later is reported
    kFirst,    ///< and the heads go in front of it again
};
inline constexpr std::array<std::string_view, 2> kHeadPositionNames{"anywhere", "first"};
static_assert(static_cast<std::size_t>(HeadPosition::kFirst) + 1 == kHeadPositionNames.size());

} // namespace pfild::core
