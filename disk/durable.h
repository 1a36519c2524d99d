// SPDX-License-Identifier: BSD-2-Clause
// Files that outlive a loss of power. Any thread.
#pragma once

#include <string>

#include "core/error.h"

namespace pfild::disk {

/// A text that outlives a loss of power whole: a temporary file, fsync, rename, fsync of the folder.
[[nodiscard]] core::Result<void> write_durably(const std::string& path, const std::string& text);

/// A folder, with mode 0755 if it is made. What it stands in has to be there.
[[nodiscard]] core::Result<void> make_folder(const std::string& path);

} // namespace pfild::disk
