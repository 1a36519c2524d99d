// SPDX-License-Identifier: BSD-2-Clause
// What a head does with packets that nobody can decide, because the engine is not there. Said per interface, at attach.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::core {

enum class UnknownPackets : std::uint8_t { pass, drop };
inline constexpr std::array<std::string_view, 2> kUnknownPacketsNames{"pass", "drop"};
static_assert(static_cast<std::size_t>(UnknownPackets::drop) + 1 == kUnknownPacketsNames.size());

} // namespace pfild::core
