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
};

/// => `exits` are bound by the caller, behind the body: the last block may run into `done`.
void emit_body(asmjit::x86::Assembler& out, const Graph& graph, const Exits& exits);

} // namespace pfild::cbpf::jit
