// SPDX-License-Identifier: BSD-2-Clause
// Native code for classic BPF programs: passes (passes.h), machine code (emit.h), executable memory.
//
//     Program --decode, ..., join_matches--> Graph --emit--> MachineCode --CodeMemory--> NativeProgram
//
// A NativeProgram answers what it can from the first piece of a packet and says when it cannot; whoever holds it has
// the interpreter for the rest (machine.h). Move-only, owns its code; any thread may run it. Running allocates nothing.
#pragma once

#include <cstdint>
#include <span>

#include <tl/expected.hpp>

#include "cbpf/jit/code_memory.h"
#include "cbpf/jit/emit.h"
#include "cbpf/jit/guard.h"
#include "cbpf/jit/refusal.h"
#include "cbpf/packet.h"
#include "cbpf/program.h"

namespace pfild::cbpf::jit {

/// The graph as all passes leave it.
[[nodiscard]] Graph optimised(const Program& program);

class NativeProgram {
  public:
    [[nodiscard]] static tl::expected<NativeProgram, Refusal> compile(const Program& program);
    /// Of a graph that any number of passes, even none, have been over.
    [[nodiscard]] static tl::expected<NativeProgram, Refusal> compile(const Graph& graph);

    /// The result; negative if the packet's first piece is too short to tell. (An optional would cost a fifth of the
    /// time that a short filter takes.)
    [[nodiscard]] std::int64_t run(const Packet& packet) const noexcept {
        if (guard_.mask != 0) {
            const std::span<const std::uint8_t> first = packet.first_piece();
            if (first.size() < guard_.need) [[unlikely]] {
                return first.size() == packet.captured_length() ? 0 : -1;
            }
            if (!guard_.holds(first)) {
                return guard_.otherwise;
            }
            if (guard_.result >= 0) {
                return guard_.result;
            }
        }
        return run_(&packet);
    }

    /// Writes results up to the first packet that run() has no answer for; how many.
    /// => as many results as packets.
    [[nodiscard]] std::size_t run(std::span<const Packet> packets, std::span<std::uint32_t> results) const noexcept {
        const Packet* first = packets.data();
        return static_cast<std::size_t>(batch_(first, first + packets.size(), results.data()) - first);
    }

  private:
    NativeProgram(const Guard& guard, CodeMemory memory, std::size_t batch) noexcept
        : guard_(guard), memory_(std::move(memory)), run_(memory_.entry<RunOne>(0)),
          batch_(memory_.entry<RunBatch>(batch)) {}

    Guard guard_; ///< of run_; batch_ has the test in it
    CodeMemory memory_;
    RunOne* run_;
    RunBatch* batch_;
};

/// At most kSetLimit programs as one function, so that a packet is looked at by all of them in one call.
class NativeSet {
  public:
    /// => 1 to kSetLimit programs.
    [[nodiscard]] static tl::expected<NativeSet, Refusal> compile(std::span<const Program* const> programs);

    /// Writes a result for each program; bit i is set if there is none for program i.
    /// => as many results as programs.
    [[nodiscard]] std::uint64_t run(const Packet& packet, std::uint32_t* results) const noexcept {
        return run_(&packet, results);
    }

  private:
    explicit NativeSet(CodeMemory memory) noexcept : memory_(std::move(memory)), run_(memory_.entry<RunSet>(0)) {}

    CodeMemory memory_;
    RunSet* run_;
};

} // namespace pfild::cbpf::jit
