// SPDX-License-Identifier: BSD-2-Clause
// The file of the device socket: made, given to the group that may use it, and removed.
#pragma once

#include <string>

#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::device {

/// A listening SOCK_SEQPACKET socket with SO_PASSCRED, which its connections inherit, at `path`: mode 0660, of `group`,
/// or of the caller's own when there is none of that name, which is logged. A socket left there by a dead daemon is
/// replaced. EADDRINUSE: a file that is no socket is there. => the caller holds the instance's lock.
[[nodiscard]] core::Result<sys::Fd> listen_at(const std::string& path, const std::string& group);

} // namespace pfild::device
