// SPDX-License-Identifier: BSD-2-Clause
// What a capture shall be: the words of `bpfctl capture`, understood and compiled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cbpf/instruction.h"
#include "core/direction.h"
#include "filter/expression.h"

namespace pfild::bpfctl {

struct CapturePlan {
    std::string interface;
    std::vector<cbpf::Instruction> program; ///< for EN10MB; none: every packet, whole
    std::optional<std::string> file;        ///< "-": standard output; nothing: packets are shown
    std::optional<std::uint64_t> count;     ///< packets after which it ends
    int snap_length = filter::kSnapLength;  ///< bytes of a packet at most
    core::Directions directions = core::Directions::both();
    bool immediate = false;
    std::uint32_t buffer_size = 262'144; ///< bytes, asked for

    /// Is somebody waiting for each packet?
    [[nodiscard]] bool live() const { return !file.has_value(); }
};

} // namespace pfild::bpfctl
