// SPDX-License-Identifier: BSD-2-Clause
// Questions as a program again.
#pragma once

#include <optional>
#include <vector>

#include "cbpf/analysis/questions.h"
#include "cbpf/analysis/terms.h"
#include "cbpf/instruction.h"

namespace pfild::cbpf::reduce {

/// => as shorten() leaves them: a question about a length that was captured has "no" to the answer 0.
/// Nothing if a term needs more than the machine has. The program can be longer than kMaxInstructions.
[[nodiscard]] std::optional<std::vector<Instruction>> written(const Asked& asked, Terms& terms);

} // namespace pfild::cbpf::reduce
