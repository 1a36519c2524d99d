// SPDX-License-Identifier: BSD-2-Clause
// Fail mode: what heads do with packets that only the engine could decide, while the engine does not answer.
//
//     pass     they pass (fail-open)
//     drop     they are dropped; known flows and hooks in the kernel go on, neighbours find each other
//     closed   nothing passes but what neighbours say and what keeps the link up (fail-closed)
//
// Heads have the first two so far, so `closed` is refused where it is asked for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::core {

enum class FailMode : std::uint8_t { kPass, kDrop, kClosed };
inline constexpr std::array<std::string_view, 3> kFailModeNames{"pass", "drop", "closed"};
static_assert(static_cast<std::size_t>(FailMode::kClosed) + 1 == kFailModeNames.size());

/// What can be asked for: the fail modes that heads have.
inline constexpr std::array<std::string_view, 2> kAskedFailModeNames{kFailModeNames[0], kFailModeNames[1]};

} // namespace pfild::core
