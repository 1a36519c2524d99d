// SPDX-License-Identifier: BSD-2-Clause
// What a verb answers that changes the model as a whole. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "describe/shape.h"

namespace pfild::control {

struct ChangedView {
    std::vector<std::string> changes;              ///< "hook cbpf:a: changed"
    std::vector<std::string> needs_restart;        ///< "buffers: 16384 stays in force, 32768 needs a restart"
    std::optional<std::uint64_t> confirm_within_s; ///< else the model before is in force again
};

void describe(describe::Fields& fields, ChangedView& view);

} // namespace pfild::control
