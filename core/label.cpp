// SPDX-License-Identifier: BSD-2-Clause
#include "core/label.h"

#include <cstring>

#include "pfild/abi.h"

namespace pfild::core {

std::optional<Label> take_label(Frame& frame) {
    constexpr std::size_t kAddresses = 12;
    const std::span<std::uint8_t> head = frame.head();
    if (head.size() < kAddresses + PFILD_LABEL_SIZE) {
        return std::nullopt;
    }
    const auto type = static_cast<std::uint16_t>(head[12] << 8U | head[13]);
    const auto value = static_cast<std::uint16_t>(head[14] << 8U | head[15]);
    if (type != PFILD_LABEL_TYPE || (value & PFILD_LABEL_MARK_MASK) != PFILD_LABEL_MARK) {
        return std::nullopt;
    }
    std::memmove(&head[PFILD_LABEL_SIZE], head.data(), kAddresses);
    frame.trim_front(PFILD_LABEL_SIZE);
    return Label{.forwarded = (value & PFILD_LABEL_FWD) != 0,
                 .version = static_cast<std::uint16_t>(PFILD_LABEL_VERSION(value))};
}

} // namespace pfild::core
