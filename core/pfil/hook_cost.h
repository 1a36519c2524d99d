// SPDX-License-Identifier: BSD-2-Clause
// What it costs to ask a hook about a packet, as it was measured (daemon/rules/hook_costs.h). Values only.
#pragma once

#include <optional>

namespace pfild::core {

struct HookCost {
    std::optional<double> engine_ns; ///< by the code that the engine runs; nothing: not measured yet
    std::optional<double> kernel_ns; ///< one hook more in a chain; nothing: it runs in none, or was not measured yet
    bool kernel_refused = false;     ///< nobody need try again

    friend bool operator==(const HookCost&, const HookCost&) = default;
};

} // namespace pfild::core
