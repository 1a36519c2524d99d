// SPDX-License-Identifier: BSD-2-Clause
// A model as a configuration file: what bpfctl or `config apply` have made becomes the files'. The opposite of
// source.h.
//
//     read_source({file_of(model)}) == the model, with owner `file` everywhere, its filters not yet compiled
//
// Plain values; any thread.
#pragma once

#include <string>
#include <vector>

#include "config/model.h"
#include "config/source.h"

namespace pfild::config {

struct Saved {
    std::string text; ///< TOML; settings that are the default are left out
    Files programs;   ///< those of hooks that have no expression, under names that the text knows
};

/// Programs are called `PREFIX1.bpf`, and so on. Panic is no part of a file.
[[nodiscard]] Saved saved(const Model& model, const std::string& prefix);

} // namespace pfild::config
