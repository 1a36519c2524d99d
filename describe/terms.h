// SPDX-License-Identifier: BSD-2-Clause
// The kinds that the control protocol and the configuration share: what is called the same is written the same.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cbpf/instruction.h"
#include "core/direction.h"
#include "describe/describe.h"

namespace pfild::describe {

inline constexpr std::size_t kLongestInterface = 127; ///< an alternative name of Linux; the others have 15
inline constexpr std::size_t kLongestHook = 127;      ///< `MODULE:NAME`, 63 each

/// A name, an alternative name or, where that makes sense, a pattern of an interface.
[[nodiscard]] constexpr TextKind interface_name() { return name(kLongestInterface); }
[[nodiscard]] constexpr TextKind hook_name() { return name(kLongestHook); }
/// An interface's head is called as the interface is.
[[nodiscard]] constexpr TextKind head_name() { return name(kLongestHook); }

/// ["in"], ["out"] or both; at least `least` of them.
[[nodiscard]] Kind<core::Directions> directions(std::size_t least = 0);

/// A cBPF program as it came: rows of [code, jt, jf, k], not verified. How long one may be is for the verifier to say.
[[nodiscard]] Kind<std::vector<cbpf::Instruction>> program();

void describe(Fields& fields, cbpf::Instruction& instruction);

} // namespace pfild::describe
