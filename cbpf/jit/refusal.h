// SPDX-License-Identifier: BSD-2-Clause
// Why there is no native code for a program. Never the program's fault: whatever verifies can be compiled.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pfild::cbpf::jit {

enum class Refusal : std::uint8_t {
    kProcessor, ///< of another kind than the compiler writes code for
    kMemory,    ///< the system gives no memory that may be executed
    kAssembler, ///< asmjit failed, which means that it found no memory
};
inline constexpr std::array<std::string_view, 3> kRefusalTexts{
    "native code is made for x86-64 only",
    "no executable memory",
    "out of memory while assembling",
};
static_assert(static_cast<std::size_t>(Refusal::kAssembler) + 1 == kRefusalTexts.size());

[[nodiscard]] constexpr std::string_view text(Refusal refusal) noexcept {
    return kRefusalTexts[static_cast<std::size_t>(refusal)];
}

} // namespace pfild::cbpf::jit
