// SPDX-License-Identifier: BSD-2-Clause
// The compiled model: what `bpfctl config compile` makes of the files, so that the daemon compiles no expression. It is
// bound to the files by their digest; what was compiled of other files is of no use.
//
//     {"format": 1, "files": DIGEST, "model": {..}}       one line
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/model.h"
#include "config/source.h"
#include "core/error.h"

namespace pfild::config {

/// A hook of the files has a filter, so it needs the compiled model.
[[nodiscard]] bool needs_programs(const Model& model);

/// => every hook of `model` has its program.
[[nodiscard]] std::string compiled_text(const std::string& files, const Model& model);

/// Gives each hook of the files that has a filter the program that was compiled of it. ESTALE: the text was made of
/// other files. EINVAL: it is no compiled model, or lacks one of the hooks.
[[nodiscard]] core::Result<void> take_programs(Source& source, std::string_view compiled);

} // namespace pfild::config
