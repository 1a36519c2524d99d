// SPDX-License-Identifier: BSD-2-Clause
// Gives each hook that has a filter the program that its text means. Names are numeric: no name server is asked.
#pragma once

#include <string>
#include <vector>

#include "config/model.h"
#include "config/source.h"
#include "core/error.h"

namespace pfild::bpfctl {

/// Every filter that cannot be compiled, with its hook; nothing: all hooks have programs. Hooks without a filter stay.
[[nodiscard]] std::vector<core::Error> compile_model(config::Model& model);

/// What was read of configuration files, with its filters compiled. Else a line for each mistake of the files; if these
/// are in order, for each of the filters.
[[nodiscard]] tl::expected<config::Source, std::vector<std::string>>
compiled(config::FileResult<config::Source> source);

} // namespace pfild::bpfctl
