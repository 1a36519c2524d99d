// SPDX-License-Identifier: BSD-2-Clause
// Reads a compiled filter from a file: any text that tcpdump prints with -d, -dd or
// -ddd (cbpf/text.h).
#pragma once

#include <string>
#include <vector>

#include "cbpf/instruction.h"
#include "core/error.h"

namespace pfild::bpfctl {

/// The instructions in the file, not verified; "-" is standard input. Errors name file, line and column.
[[nodiscard]] core::Result<std::vector<cbpf::Instruction>> read_bytecode(const std::string& path);

} // namespace pfild::bpfctl
