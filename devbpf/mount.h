// SPDX-License-Identifier: BSD-2-Clause
// Where /dev/bpf appears: a mount on a file; and, for one command and what it starts, a /dev of their own.
//
//     enter_private_dev():  /dev  <- tmpfs { every entry of the host's /dev, bound; bpf, a file; bpf0..15 -> bpf }
//     mount_device("/dev/bpf") -> a descriptor of /dev/fuse
#pragma once

#include <string>

#include <sys/types.h>

#include "client/descriptor.h"
#include "core/error.h"

namespace pfild::devbpf {

/// Mounts a file system that is one regular file on the file `path`, for every user whom its mode and owner let.
/// ENOENT: no such file, or no /dev/fuse; EPERM: without the right to mount.
[[nodiscard]] core::Result<client::Descriptor> mount_device(const std::string& path, uid_t owner, gid_t group,
                                                            mode_t mode);

/// Takes the calling process to a mount namespace of its own, with a /dev as drawn above; the host's stays as it is.
/// Who may not do that gets a user namespace of his own for it, in which he is who he was. => it has one thread.
[[nodiscard]] core::Result<void> enter_private_dev();

} // namespace pfild::devbpf
