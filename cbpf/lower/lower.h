// SPDX-License-Identifier: BSD-2-Clause
// A classic BPF program as a program of the kernel's own machine, eBPF: for XDP or for TC.
//
//     Program --jit::optimised--> Graph --emit_filter--> ebpf::Assembler --> instructions of eBPF
//
// What the program returns is what interpret() returns for the frame from its first byte on, with all of it captured:
// loads outside of the packet, divisors of 0 and shifts of 32 and more end it with 0 (CF-20 to CF-25), and bytes beyond
// the first buffer are read where they are. The kernel's verifier has the last word about it when it is loaded.
//
// Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "cbpf/flow_dependence.h"
#include "cbpf/program.h"
#include "ebpf/instruction.h"
#include "ebpf/place.h"

namespace pfild::cbpf {

/// Why the kernel cannot answer what the engine does.
struct LoweringRefusal {
    std::size_t instruction; ///< of the classic program
    std::string why;

    /// One line: `instruction 3 (ldb [x+20], 0x50) reads ...`.
    std::string message;

    bool operator==(const LoweringRefusal&) const = default;
};

/// The program, which leaves its result in r0.
[[nodiscard]] tl::expected<std::vector<ebpf::Instruction>, LoweringRefusal> lower(const Program& program,
                                                                                  ebpf::Place place);

/// The same, if heads there may answer by it about packets of that form: refused is what would not be the engine's
/// answer (unfinished.h).
[[nodiscard]] tl::expected<std::vector<ebpf::Instruction>, LoweringRefusal> lower(const Program& program,
                                                                                  ebpf::Place place, PacketForm form);

} // namespace pfild::cbpf
