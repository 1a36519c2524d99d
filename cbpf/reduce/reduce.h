// SPDX-License-Identifier: BSD-2-Clause
// A program made shorter without another judge's help: what libpcap's grammar makes of an expression, made small.
//
//    Program --questions.h--> questions --shorten--> fewer questions --write--> instructions
#pragma once

#include <optional>
#include <vector>

#include "cbpf/program.h"

namespace pfild::cbpf {

/// The longest program that is made shorter.
inline constexpr std::size_t kLongestToReduce = 32'768;

/// A program that answers the same for every packet, of any captured and wire length, shorter wherever there was
/// something to leave out; never longer. It can be longer than kMaxInstructions. Some 0.1 s at most; a program that
/// would take longer comes back as it is. Pure; any thread.
[[nodiscard]] std::vector<Instruction> reduced(const Program& program);

} // namespace pfild::cbpf
