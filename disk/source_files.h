// SPDX-License-Identifier: BSD-2-Clause
// The files of an instance, read from the disk: NAME.toml and NAME.d/*.toml, which nobody but root can have written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/source.h"

namespace pfild::disk {

/// Of no file (an empty name): a model without items, all settings by default. `verbs` are those of the control
/// protocol.
[[nodiscard]] config::FileResult<config::Source> read_source_files(const std::string& file,
                                                                   const std::vector<std::string_view>& verbs);

/// Where files that belong to a file are: NAME.d for NAME.toml.
[[nodiscard]] std::string drop_in_folder(const std::string& file);

/// With the programs of hooks that have filters, from the compiled model; a mistake if that is not of these files.
[[nodiscard]] config::FileResult<config::Source> with_compiled(config::FileResult<config::Source> source,
                                                               const std::string& compiled_path);

} // namespace pfild::disk
