// SPDX-License-Identifier: BSD-2-Clause
// A program that the daemon has written itself (cbpf/lower), given to the kernel's verifier.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "core/error.h"
#include "daemon/sys/fd.h"
#include "ebpf/instruction.h"
#include "ebpf/place.h"

namespace pfild::kernel {

struct LoweredProgram {
    const char* name; ///< in bpftool(8), at most 15 characters
    std::span<const ebpf::Instruction> code;
    ebpf::Place place;
    std::optional<int> map = std::nullopt; ///< the descriptor of the one map that the code speaks of
    bool in_words = true;                  ///< what the verifier says, for which it takes several times as long
};

/// Heads call it by a table of programs, which takes only what was loaded as they were: heads in a dispatcher of libxdp
/// otherwise than those that stand alone. `is_taken` puts the descriptor there and says whether it could.
/// E2BIG, EACCES, EINVAL: the verifier refuses it, `why` is its last word. EOPNOTSUPP: no table takes it.
[[nodiscard]] core::Result<sys::Fd> load(const LoweredProgram& program, const std::function<bool(int fd)>& is_taken);

} // namespace pfild::kernel
