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

/// Finds the numbers that each variable can hold where (range.h). Afterwards: what can hold one number only is a Set,
/// operands and offsets that are known are constants, a branch that can go only one way is a Goto, and neither a
/// RequireDivisor nor a RequireShift is left where it is certain to be met, nor anything behind one that cannot be.
void fold_ranges(Graph& graph);

/// Afterwards: a block from which every way leads to a return of 0 is that return and nothing else.
void cut_fruitless(Graph& graph);

/// Afterwards: every block can be reached, no Branch has both ways alike, no Goto leads to a block that nothing else
/// leads to, and none leads to one that only jumps on.
void straighten(Graph& graph);

/// Moves every Require to the earliest block in which it is certain that the run will need it or end with 0 anyway, and
/// merges those that meet there. Afterwards: of each base at most one Require stands at the head of a block, and one
/// behind an assignment to X; none asks for what is proven on every way there; Block::proven holds.
/// => cut_fruitless() has run.
void hoist_checks(Graph& graph);

/// Turns comparisons of A with a constant into Matches where A is known to be what some bytes of the packet say, maybe
/// with bits cleared. Afterwards: nothing is read into A that is there already.
void match_bytes(Graph& graph);

/// Afterwards: nothing is assigned that no way reads.
void remove_dead(Graph& graph);

/// Joins Matches that must both hold, without anything between them, where eight bytes reach over both and are proven.
/// => hoist_checks() and remove_dead() have run.
void join_matches(Graph& graph);

} // namespace pfild::cbpf::jit
