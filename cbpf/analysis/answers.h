// SPDX-License-Identifier: BSD-2-Clause
// What a program answers, as one diagram. Pure; owned by one comparison, on one thread.
#pragma once

#include <cstdint>
#include <optional>

#include "cbpf/analysis/diagram.h"
#include "cbpf/analysis/questions.h"
#include "cbpf/analysis/terms.h"

namespace pfild::cbpf {

/// What counts of an answer.
enum class Counted : std::uint8_t {
    kValue, ///< how many bytes it is
    kMatch  ///< whether it is 0
};

/// Nothing when the budget of the diagrams is used up. => `diagrams` are of `terms`, which `asked` is of.
[[nodiscard]] std::optional<NodeId> answers_of(const Asked& asked, Terms& terms, Diagrams& diagrams, Counted counted);

} // namespace pfild::cbpf
