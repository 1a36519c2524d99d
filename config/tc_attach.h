// SPDX-License-Identifier: BSD-2-Clause
// How programs are attached to TC: by TCX where the kernel has it (6.6), or on a clsact qdisc always.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::config {

enum class TcAttach : std::uint8_t { kAutomatic, kClsact };
inline constexpr std::array<std::string_view, 2> kTcAttachNames{"auto", "clsact"};
static_assert(static_cast<std::size_t>(TcAttach::kClsact) + 1 == kTcAttachNames.size());

} // namespace pfild::config
