// SPDX-License-Identifier: BSD-2-Clause
// A model from a file that somebody names: what `config show` printed, or a configuration file, compiled.
#pragma once

#include <string>

#include "bpfctl/failure.h"
#include "config/model.h"

namespace pfild::bpfctl {

struct ModelFile {
    config::Model model;
    bool whole = false; ///< with the items of all owners, as `config show` prints it; else what a file says
};

/// `-` is standard input, where a model can be, or one configuration file. A folder FILE.d belongs to a configuration
/// file. Exit::kRefused: the first mistake, and how many there are.
[[nodiscard]] Outcome<ModelFile> read_model(const std::string& verb, const std::string& file);

/// The model that would be in force after the file was applied to this one.
[[nodiscard]] config::Model applied(const ModelFile& file, const config::Model& running);

} // namespace pfild::bpfctl
