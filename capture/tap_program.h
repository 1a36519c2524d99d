// SPDX-License-Identifier: BSD-2-Clause
// The filters of all devices at a tap as one program for the kernel: whether a packet need be taken (pfild/tap.h).
//
//      first filter -> 0 -> second filter -> 0 -> ... -> skip
//           '-------- not 0, or it cannot tell ----------> take
//
// What is taken the devices still judge one by one, so this may say "take" too often, but never "skip" wrongly. A
// packet whose tag is beside it is always taken: filters see the tag in it. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cbpf/program.h"
#include "ebpf/instruction.h"
#include "ebpf/place.h"

namespace pfild::capture {

/// Steps that the kernel's verifier may need for it (cbpf/lower/ways.h), some 0.1 s of the device thread's time: a
/// filter is anybody's who may capture, and others' packets wait meanwhile. What people write needs less than a tenth;
/// thirty hosts and ten ports, half.
inline constexpr std::uint64_t kMostTapSteps = 100'000;

/// Leaves an enum pfild_tap_answer in r0. Nothing: it would be too long, or too much for the verifier. => there is a
/// filter.
[[nodiscard]] std::optional<std::vector<ebpf::Instruction>> tap_program(std::span<const cbpf::Program* const> filters,
                                                                        ebpf::Place place);

} // namespace pfild::capture
