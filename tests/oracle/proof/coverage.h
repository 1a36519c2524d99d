// SPDX-License-Identifier: BSD-2-Clause
// What was run, not only generated: how often each opcode, each shape of jump and each way that it went, each end of a
// run, and the extremes of programs and packets. A name stands for each, so that shards can be summed by others.
//
// The shape of a jump is where it leads: to the next instruction (0), to the last, 255 or more farther (far), or
// anywhere else (near); of a branch, where its two ways lead, `near/0`, or `alike`.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cbpf/jit/guard.h"
#include "tests/oracle/proof/round.h"
#include "tests/oracle/proof/trace.h"

namespace pfild::tests {

class Coverage {
  public:
    struct Item {
        std::string name; ///< "opcode jeq k: yes", "jump near/far: no", "end outside", "packet 9000 bytes", ..
        std::uint64_t count;
    };

    void note_program(std::span<const cbpf::Instruction> code);
    void note_packet(std::span<const std::uint8_t> bytes, std::span<const cbpf::Piece> pieces);
    /// => a trace of that code.
    void note_run(std::span<const cbpf::Instruction> code, const Trace& trace);

    /// What the guard of native code (cbpf/jit/guard.h) says of a packet.
    void note_guard(const cbpf::jit::Guard& guard, const cbpf::Packet& packet);

    /// Everything that there is to cover.
    [[nodiscard]] std::vector<Item> items() const;

  private:
    static constexpr std::size_t kShapes = 4;
    template <std::size_t Size>
    using Counts = std::array<std::uint64_t, Size>;

    void note_jump(std::span<const cbpf::Instruction> code, std::size_t from, std::size_t to);

    std::array<Counts<2>, cbpf::kOpcodeCount> opcodes_{}; ///< of a branch: not taken, taken
    Counts<kShapes> jumps_{};
    Counts<kShapes> alike_{};
    std::array<std::array<Counts<2>, kShapes>, kShapes> branches_{}; ///< [jt][jf]
    Counts<kEndingNames.size()> endings_{};
    Counts<4> programs_{};
    Counts<5> packets_{};
    Counts<5> guards_{};
};

} // namespace pfild::tests
