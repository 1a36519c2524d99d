// SPDX-License-Identifier: BSD-2-Clause
#include "core/label.h"

#include <cstring>

#include "core/network_order.h"
#include "pfild/abi.h"

namespace pfild::core {

std::optional<Label> take_label(Frame& frame) {
    constexpr std::size_t kAddresses = 12;
    const std::span<std::uint8_t> head = frame.head();
    if (head.size() < kAddresses + PFILD_LABEL_SIZE) {
        return std::nullopt;
    }
    const std::uint16_t type = read16(&head[12]);
    const std::uint16_t value = read16(&head[14]);
    if (type != PFILD_LABEL_TYPE || (value & PFILD_LABEL_MARK_MASK) != PFILD_LABEL_MARK) {
        return std::nullopt;
    }
    std::memmove(&head[PFILD_LABEL_SIZE], head.data(), kAddresses);
    frame.trim_front(PFILD_LABEL_SIZE);
    return Label{.forwarded = (value & PFILD_LABEL_FWD) != 0,
                 .incarnation = static_cast<std::uint16_t>(PFILD_LABEL_INCARNATION(value))};
}

} // namespace pfild::core
