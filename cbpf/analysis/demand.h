// SPDX-License-Identifier: BSD-2-Clause
// Which bits of the registers can still change the result, before each instruction.
//
// One pass backward over the values of values.h. Bits that are not demanded may be anything: the program's result is
// the same. An instruction from which every path yields 0 is fruitless: it, and all behind it, might as well not be.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "cbpf/analysis/values.h"

namespace pfild::cbpf {

struct Demand {
    std::uint32_t a = 0;
    std::uint32_t x = 0;
    std::array<std::uint32_t, kMemoryWords> memory{};
    std::uint32_t loaded = 0; ///< of what the instruction itself brings in: bytes of the packet, or its length
    bool fruitless = true;    ///< every path from here yields 0; nothing is demanded
};

/// By instruction. => values is what values_of() says of the program, or unknown_values_of().
[[nodiscard]] std::vector<Demand> demand_of(const Program& program, std::span<const ValuesBefore> values);

} // namespace pfild::cbpf
