// SPDX-License-Identifier: BSD-2-Clause
// Runs a verified classic BPF program over a packet.
//
// The machine (contract 3.1): registers A and X, both 0 at the start, 16 words of memory, 32-bit unsigned arithmetic
// that wraps, packet loads big-endian at any alignment. The result is the number of bytes wanted: 0 is "not this
// packet", more than the packet has is "all of it".
//
// A run ends early with result 0 when a load is not wholly inside the captured bytes (CF-20 to CF-23), when X is 0 in a
// division or remainder (CF-24), and when X is 32 or more in a shift (CF-25).
//
// Stateless: any thread, any number at once. Allocates nothing; ends after at most 512 steps.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cbpf/packet.h"
#include "cbpf/program.h"

namespace pfild::cbpf {

[[nodiscard]] std::uint32_t interpret(const Program& program, const Packet& packet) noexcept;

/// Who is told what a run does.
class RunWatch {
  public:
    RunWatch() = default;
    RunWatch(const RunWatch&) = delete;
    RunWatch& operator=(const RunWatch&) = delete;
    virtual ~RunWatch() = default;

    /// Before so many bytes are loaded, there or not.
    virtual void loads(std::uint64_t offset, std::uint32_t size) noexcept = 0;
    /// What a `jeq #k` has found; step: its index. Returns what the run is to take for found.
    virtual bool compares(std::size_t step, bool equal) noexcept = 0;
};

/// The same, watched.
[[nodiscard]] std::uint32_t interpret_watched(const Program& program, const Packet& packet, RunWatch& watch) noexcept;

} // namespace pfild::cbpf
