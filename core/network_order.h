// SPDX-License-Identifier: BSD-2-Clause
// Numbers in packets: network byte order, at any address.
#pragma once

#include <cstdint>

namespace pfild::core {

[[nodiscard]] inline std::uint16_t read16(const std::uint8_t* bytes) {
    return static_cast<std::uint16_t>(bytes[0] << 8U | bytes[1]);
}

} // namespace pfild::core
