// SPDX-License-Identifier: BSD-2-Clause
// Fail mode: what heads do with packets that only the engine could decide, while the engine does not answer.
//
//     pass     they pass (fail-open)
//     drop     they are dropped; known flows and hooks in the kernel go on, neighbours find each other
//     closed   nothing passes but what neighbours say and what keeps the link up (fail-closed)
//
// An engine does not answer when it is not there (`unknown`), or when it is there and has not beaten for too long
// (`silent`, heartbeat.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::core {

enum class FailMode : std::uint8_t { kPass, kDrop, kClosed };
inline constexpr std::array<std::string_view, 3> kFailModeNames{"pass", "drop", "closed"};
static_assert(static_cast<std::size_t>(FailMode::kClosed) + 1 == kFailModeNames.size());

/// Of one interface.
struct FailModes {
    FailMode unknown = FailMode::kPass;
    FailMode silent = FailMode::kDrop;

    friend bool operator==(const FailModes&, const FailModes&) = default;
};

} // namespace pfild::core
