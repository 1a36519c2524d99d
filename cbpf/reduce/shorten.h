// SPDX-License-Identifier: BSD-2-Clause
// Fewer questions with the same answers.
#pragma once

#include "cbpf/analysis/questions.h"
#include "cbpf/analysis/terms.h"

namespace pfild::cbpf::reduce {

/// Leaves out questions whose answer is known wherever they are asked, and those whose "no" comes anyway; questions
/// that became alike are one. Afterwards a term is calculated by instructions that end the run with 0 where its bytes
/// were not captured (needs.h), and the answers are those of before, for every packet.
/// Ends when there is nothing left to do, or after some 10^7 steps with what there is by then.
void shorten(Asked& asked, Terms& terms);

} // namespace pfild::cbpf::reduce
