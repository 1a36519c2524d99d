// SPDX-License-Identifier: BSD-2-Clause
// Gives each hook that has a filter the program that its text means. Names are numeric: no name server is asked.
#pragma once

#include <string>
#include <vector>

#include "config/model.h"
#include "core/error.h"

namespace pfild::bpfctl {

/// Every filter that cannot be compiled, with its hook; nothing: all hooks have programs. Hooks without a filter stay.
[[nodiscard]] std::vector<core::Error> compile_model(config::Model& model);

} // namespace pfild::bpfctl
