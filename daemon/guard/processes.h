// SPDX-License-Identifier: BSD-2-Clause
// Whose sockets are whose, by /proc: of a process and its ancestors, and, where one of these is a terminal multiplexer,
// of those at its terminals.
//
//     bpfctl <- shell <- tmux server     (its parent is init)
//                           |  has /dev/pts/3 open, which is not its own terminal
//                           v
//                        tmux client at pts/3 <- shell <- sshd     holds the socket
//
// A process is read through a descriptor of its folder in /proc, which never becomes that of another process; and a
// parent is believed to be one if the child still says so afterwards.
//
// Control thread. What cannot be read (CAP_SYS_PTRACE is missing, the process is in another pid namespace) has no
// sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/guard/choose.h"

namespace pfild::guard {

class Processes {
  public:
    explicit Processes(std::string root = "/proc") : root_(std::move(root)) {}

    /// Sockets of the process and its ancestry. => `lives` says whether the process that is meant is still there.
    [[nodiscard]] Inodes sockets_of_ancestry(std::uint32_t pid, const std::function<bool()>& lives) const;
    /// All sockets of the processes that have one of these open.
    [[nodiscard]] Inodes sockets_beside(const Inodes& sockets) const;
    /// Sockets of all processes whose name is that, or that and a dash and more.
    [[nodiscard]] Inodes sockets_of_named(std::string_view name) const;

  private:
    std::string root_;
};

} // namespace pfild::guard
