// SPDX-License-Identifier: BSD-2-Clause
// An instance's name, its folder and the lock that makes it the only one of that name:
//
//     RUNTIME_DIR/            0755
//       NAME/                 0755
//         lock                held (flock) as long as the daemon lives; its content is the daemon's pid
//         control.sock        made by the control socket's server
//
// The lock ends with the process, however it ends. An orderly stop also removes the files; so a daemon that got the
// lock looks whether the file it locked is still the one of that name, or else two could hold locks on two files.
#pragma once

#include <string>
#include <string_view>

#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::sys {

/// [A-Za-z0-9._-]{1,32}, and neither "." nor "..".
[[nodiscard]] bool is_instance_name(std::string_view name) noexcept;

class Instance {
  public:
    /// Makes the folders and takes the lock. EBUSY names the process that has it. => is_instance_name(name).
    [[nodiscard]] static core::Result<Instance> take(const std::string& runtime_dir, const std::string& name);

    /// The folder, without a slash at its end.
    [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

    /// An orderly stop: removes the lock's file, and the folder if nothing else is in it. The lock itself ends with
    /// this.
    void remove() noexcept;

  private:
    Instance(std::string folder, Fd lock) noexcept : folder_(std::move(folder)), lock_(std::move(lock)) {}

    std::string folder_;
    Fd lock_;
};

} // namespace pfild::sys
