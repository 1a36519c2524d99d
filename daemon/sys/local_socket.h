// SPDX-License-Identifier: BSD-2-Clause
// A socket of the local machine with a name in the file system (unix(7)), as the far ends of both of pfild's sockets
// are.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::sys {

/// A socket of `type` (SOCK_STREAM, SOCK_SEQPACKET) that is bound to `path`, closed on exec and does not wait. Nobody
/// can connect before listen(2). `mode`, less the umask, is the file's from its first moment. What a dead process left
/// there is removed, if it is a socket: EADDRINUSE if it is anything else, ENAMETOOLONG, and those of bind(2).
[[nodiscard]] core::Result<Fd> bind_local(const std::string& path, int type, mode_t mode);

/// The group of that name, if there is one: whom a socket's file may be given to.
[[nodiscard]] std::optional<gid_t> group_named(const std::string& name);
/// The user of that name, if there is one: who may speak for others on it.
[[nodiscard]] std::optional<uid_t> user_named(const std::string& name);

} // namespace pfild::sys
