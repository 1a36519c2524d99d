// SPDX-License-Identifier: BSD-2-Clause
// A program that the daemon has written itself (cbpf/lower), given to the kernel's verifier.
#pragma once

#include <optional>
#include <span>

#include "cbpf/lower/ebpf.h"
#include "cbpf/lower/place.h"
#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::kernel {

struct LoweredProgram {
    const char* name; ///< in bpftool(8), at most 15 characters
    std::span<const cbpf::EbpfInstruction> code;
    cbpf::Place place;
    std::optional<int> map = std::nullopt; ///< the descriptor of the one map that the code speaks of
};

/// Heads of its place can call it. E2BIG, EACCES, EINVAL: the verifier refuses it, `why` is its last word.
[[nodiscard]] core::Result<sys::Fd> load(const LoweredProgram& program);

} // namespace pfild::kernel
