// SPDX-License-Identifier: BSD-2-Clause
// How much work a lowered program may be for the kernel's verifier, before it is asked: it follows every way through a
// program, and where two meet it may have to go on twice, if they have left other numbers in a register. A program of
// 200 instructions can be written that has 2^60 ways; the verifier gives up after a million steps, some 1.3 s later.
//
// Pure; any thread.
#pragma once

#include <cstdint>

#include "cbpf/jit/graph.h"

namespace pfild::cbpf {

/// Instructions of the kernel's machine, about, when each way is followed by itself to its end, in both forms of the
/// program (filter.h). Linear in the graph; what does not fit is 2^64 - 1.
[[nodiscard]] std::uint64_t steps_of_all_ways(const jit::Graph& graph);

} // namespace pfild::cbpf
