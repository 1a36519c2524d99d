// SPDX-License-Identifier: BSD-2-Clause
// Interfaces that are wanted and not attached: there is none of that name yet, or it could not be attached and is tried
// again. They are attached as soon as that can be, with nobody there to be told. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "config/guarded.h"
#include "config/model.h"
#include "daemon/guard/judge.h"

namespace pfild::guard {

/// Those of the model to come that are not among the `attached`, and would have other rules than by the model of now.
/// What patterns mean is among them if it is there. => both models are in order.
[[nodiscard]] std::vector<Awaited> awaited(const config::Model& now, const config::Model& next,
                                           const std::vector<config::HostInterface>& host_interfaces,
                                           const std::set<std::uint32_t>& attached);

} // namespace pfild::guard
