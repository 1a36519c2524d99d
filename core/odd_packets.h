// SPDX-License-Identifier: BSD-2-Clause
// What happens to packets that show a filter less than a host's stack will see. Said in the configuration.
//
//     extension_headers   walk   rules see what is behind them too (core/pfil/folded.h)
//                         drop   those that would be walked end the packet
//     fragments           pass   rules are asked about them; only those that mislead are dropped
//                         drop   none passes
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::core {

enum class ExtensionHeaders : std::uint8_t { kWalk, kDrop };
inline constexpr std::array<std::string_view, 2> kExtensionHeadersNames{"walk", "drop"};
static_assert(static_cast<std::size_t>(ExtensionHeaders::kDrop) + 1 == kExtensionHeadersNames.size());

enum class Fragments : std::uint8_t { kPass, kDrop };
inline constexpr std::array<std::string_view, 2> kFragmentsNames{"pass", "drop"};
static_assert(static_cast<std::size_t>(Fragments::kDrop) + 1 == kFragmentsNames.size());

struct OddPackets {
    ExtensionHeaders extension_headers = ExtensionHeaders::kWalk;
    Fragments fragments = Fragments::kPass;

    friend bool operator==(const OddPackets&, const OddPackets&) = default;
};

} // namespace pfild::core
