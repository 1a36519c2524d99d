// SPDX-License-Identifier: BSD-2-Clause
// Writes the blocks of one graph as x86-64 instructions, the part that all entry points share (emit.h).
//
// Registers, and nothing else of the processor's state, are what a body works with; it calls nothing:
//
//     eax  A, and the result           rdi  the Packet                r9   the last bytes that were matched
//     ecx  X                           rsi  its first piece           r10  scratch
//     rdx  scratch, division           r8   length of that, bytes     r11, rbx, rbp  not touched
//     [rsp-64] to [rsp-1]  M, in the part below the stack pointer that belongs to a function that calls nothing
//
// A 32-bit assignment clears the upper half, so rcx + offset is the sum of CF-22 in 64 bits, and cannot wrap.
#pragma once

#include <optional>

#include <asmjit/x86.h>

#include "cbpf/jit/graph.h"

namespace pfild::cbpf::jit {

/// Where a body goes when it is done.
struct Exits {
    std::optional<asmjit::Label> done; ///< with the result in eax, the upper half of rax is 0; nothing: `ret`
    asmjit::Label outside;             ///< a Require was not met by the first piece
    asmjit::Label zero;                ///< the run ends with 0, whatever pieces the packet has
    bool length_in_register = true;    ///< r8 is loaded; else a Require, there are but a few, looks into the packet
};

/// Is it worth a register to have the length of the first piece at hand? Not if one Require is all that asks for it.
[[nodiscard]] bool wants_length_in_register(const Graph& graph);

/// => rsi, and r8 if exits.length_in_register, are loaded; `exits` are bound by the caller, behind the body: the last
/// block may run into `done`.
void emit_body(asmjit::x86::Assembler& out, const Graph& graph, const Exits& exits);

} // namespace pfild::cbpf::jit
