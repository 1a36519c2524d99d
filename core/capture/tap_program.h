// SPDX-License-Identifier: BSD-2-Clause
// The filters of all devices at a tap as one program for the kernel: whether a packet need be taken (pfild/tap.h).
//
//      first filter -> 0 -> second filter -> 0 -> ... -> skip
//           '-------- not 0, or it cannot tell ----------> take
//
// What is taken the devices still judge one by one, so this may say "take" too often, but never "skip" wrongly. A
// packet whose tag is beside it is always taken: filters see the tag in it. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "cbpf/lower/ebpf.h"
#include "cbpf/lower/place.h"
#include "cbpf/program.h"

namespace pfild::core {

/// Leaves an enum pfild_tap_answer in r0. Nothing: it would be too long. => there is a filter.
[[nodiscard]] std::optional<std::vector<cbpf::EbpfInstruction>>
tap_program(std::span<const cbpf::Program* const> filters, cbpf::Place place);

} // namespace pfild::core
