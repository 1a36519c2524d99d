// SPDX-License-Identifier: BSD-2-Clause
// One run, seen from outside: the instructions that the reference machine came to, and how the run ended.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cbpf/instruction.h"

namespace pfild::tests {

/// An instruction in front of which the machine stood, with X as it was there.
struct Visit {
    std::size_t pc;
    std::uint32_t x;
};

/// Why a run ended.
enum class Ending : std::uint8_t {
    kReturnK,
    kReturnA,
    kOutside,   ///< a load behind the captured bytes (CF-20)
    kBeyond,    ///< a load from 2^31 on (CF-23)
    kIndexed,   ///< X + k from 2^31 on (CF-22, CF-23)
    kDivision,  ///< div x, mod x: X is 0 (CF-24)
    kLeftShift, ///< X is 32 or more (CF-25)
    kRightShift,
};
inline constexpr std::array<std::string_view, 8> kEndingNames{"ret k",      "ret a", "outside", "beyond 2^31",
                                                              "x+k beyond", "x = 0", "lsh x",   "rsh x"};
static_assert(static_cast<std::size_t>(Ending::kRightShift) + 1 == kEndingNames.size());

struct Trace {
    std::uint32_t result = 0;
    std::vector<Visit> visits; ///< never empty

    [[nodiscard]] Ending ending(std::span<const cbpf::Instruction> code) const;
};

/// Runs the reference machine. Reuses what `trace` has allocated. => reference_accepts(code)
void follow(std::span<const cbpf::Instruction> code, std::span<const std::uint8_t> packet, std::uint32_t wire_length,
            Trace& trace);

} // namespace pfild::tests
