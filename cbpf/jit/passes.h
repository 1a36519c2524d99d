// SPDX-License-Identifier: BSD-2-Clause
// The passes of the native compiler, in the order in which compile.cpp runs them. Each is one walk or two over the
// graph and keeps the invariants of graph.h; what holds after it is said here and nowhere else.
//
// Pure functions of their argument; any thread.
#pragma once

#include "cbpf/jit/graph.h"
#include "cbpf/program.h"

namespace pfild::cbpf::jit {

/// The program as a graph that does what the interpreter does, step by step. Unreachable instructions are left out. A
/// load is a Require and a Read; a load that no packet can satisfy (CF-23) is a return of 0.
[[nodiscard]] Graph decode(const Program& program);

} // namespace pfild::cbpf::jit
