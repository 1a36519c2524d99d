// SPDX-License-Identifier: BSD-2-Clause
// From graphs to machine code for x86-64 (System V calling convention). The code runs wherever it is copied to, keeps
// no state, calls nothing, and reads the packet's first piece only. What it cannot answer from that it leaves
// undecided, for the interpreter to run from the start; a program has no effects, so nothing is done twice.
//
// A packet in one piece is never undecided: what lies outside its first piece lies outside the packet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tl/expected.hpp>

#include "cbpf/jit/graph.h"
#include "cbpf/jit/refusal.h"
#include "cbpf/packet.h"

namespace pfild::cbpf::jit {

/// The result, or a negative number if it is undecided.
using RunOne = std::int64_t(const Packet* packet);

/// Writes a result for each packet from `first` on, up to one that is undecided or to `end`; returns where it stopped.
using RunBatch = const Packet*(const Packet* first, const Packet* end, std::uint32_t* results);

/// Writes the result of each program of a set; returns the undecided ones, bit i for program i, whose results are 0.
using RunSet = std::uint64_t(const Packet* packet, std::uint32_t* results);
inline constexpr std::size_t kSetLimit = 64; ///< programs that one RunSet can hold

struct MachineCode {
    std::vector<std::byte> bytes;
    std::size_t batch = 0; ///< offset of the RunBatch of a program; the RunOne, or the RunSet of a set, lies at 0
};

/// The RunOne of one graph and the RunBatch of another: of the same program, but the first may begin behind a guard.
[[nodiscard]] tl::expected<MachineCode, Refusal> emit_program(const Graph& one, const Graph& batch);

/// => at most kSetLimit graphs.
[[nodiscard]] tl::expected<MachineCode, Refusal> emit_set(std::span<const Graph> graphs);

} // namespace pfild::cbpf::jit
