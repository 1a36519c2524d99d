// SPDX-License-Identifier: BSD-2-Clause
// One look at every instruction, whatever the order they run in: X is never larger than the largest value that any
// instruction gives it. Instructions that cannot be reached are `ret #0` in the steps and add nothing.
#include "core/capture/needed_length.h"

#include <algorithm>
#include <cstddef>

namespace pfild::core {
namespace {

using cbpf::Opcode;
using cbpf::Step;

constexpr std::uint32_t kLongestIpv4Header = 60; ///< what 4*([k]&0xf) can be

/// The most that X can be after `step`; X is 0 at the start.
std::uint32_t largest_x(const Step& step) {
    switch (step.opcode) {
    case Opcode::kLdxImm:
        return step.k;
    case Opcode::kLdxMsh:
        return kLongestIpv4Header;
    case Opcode::kLdxMem:
    case Opcode::kLdxLen:
    case Opcode::kTax:
        return kWholePacket;
    default:
        return 0;
    }
}

/// Bytes from the front that a load of `size` bytes at `offset` needs.
std::uint32_t reach(std::uint64_t offset, std::uint64_t size) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(offset + size, kWholePacket));
}

std::uint32_t needed_to_judge(const Step& step, std::uint64_t x) {
    switch (step.opcode) {
    case Opcode::kLd:
        return reach(step.k, 4);
    case Opcode::kLdh:
        return reach(step.k, 2);
    case Opcode::kLdb:
    case Opcode::kLdxMsh:
        return reach(step.k, 1);
    case Opcode::kLdInd:
        return reach(x + step.k, 4);
    case Opcode::kLdhInd:
        return reach(x + step.k, 2);
    case Opcode::kLdbInd:
        return reach(x + step.k, 1);
    default:
        return 0;
    }
}

std::uint32_t needed_to_keep(const Step& step) {
    if (step.opcode == Opcode::kRetA) {
        return kWholePacket;
    }
    return step.opcode == Opcode::kRetK ? step.k : 0;
}

} // namespace

NeededLength needed_length(const cbpf::Program& program) {
    std::uint32_t x = 0;
    for (const Step& step : program.steps()) {
        x = std::max(x, largest_x(step));
    }
    NeededLength needed;
    for (const Step& step : program.steps()) {
        needed.to_judge = std::max(needed.to_judge, needed_to_judge(step, x));
        needed.to_keep = std::max(needed.to_keep, needed_to_keep(step));
    }
    return needed;
}

} // namespace pfild::core
