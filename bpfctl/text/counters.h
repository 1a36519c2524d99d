// SPDX-License-Identifier: BSD-2-Clause
// Named counters as text: name as in docs/counters.md, value, and what it means.
#pragma once

#include <string>

#include "bpfctl/json.h"

namespace pfild::bpfctl {

/// A titled block of an object of counters. Zero counters are left out unless `all`; the whole block says so if nothing
/// is left. Names that end in _bytes get a unit.
[[nodiscard]] std::string counters_text(const std::string& title, const Json& counters, bool all);

} // namespace pfild::bpfctl
