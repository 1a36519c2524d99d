// SPDX-License-Identifier: BSD-2-Clause
// Files that nobody but root can have written, for what decides about a firewall.
//
// The way to a file is walked name by name (openat with O_NOFOLLOW), so what is checked is what is read. On the way
//
//     a folder    belongs to root; others may write to it only if it is sticky, as /tmp is
//     a symlink   belongs to root, and is then followed
//     the file    belongs to root, is a regular file, and only root can write to it
//
// Root is here also the user that the process runs as. Any thread.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"

namespace pfild::disk {

/// The content. EACCES: somebody else could have written it, `why` says where. Larger than 16 MiB: EFBIG.
[[nodiscard]] core::Result<std::string> read_trusted_file(const std::string& path);

/// Names in a folder that end in `suffix` and begin with no dot, sorted by their bytes. None if there is no folder;
/// EACCES as above.
[[nodiscard]] core::Result<std::vector<std::string>> trusted_names(const std::string& folder,
                                                                   const std::string& suffix);

} // namespace pfild::disk
