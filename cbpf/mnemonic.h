// SPDX-License-Identifier: BSD-2-Clause
// One instruction as people write it. Pure; any thread.
#pragma once

#include <string>

#include "cbpf/instruction.h"

namespace pfild::cbpf {

/// One instruction in the notation of bpf_asm: `ldh [12]`, `jeq #0x800,0,3`, `ldx 4*([14]&0xf)`. Jumps count the
/// instructions to skip. A code that is no opcode is written as its four fields: `{0x0027,0,0,0}`.
[[nodiscard]] std::string mnemonic(const Instruction& instruction);

} // namespace pfild::cbpf
