// SPDX-License-Identifier: BSD-2-Clause
// What the guard asks of the host, asked of the kernel. Control thread.
#pragma once

#include <optional>
#include <vector>

#include "core/error.h"
#include "daemon/guard/guard.h"
#include "daemon/guard/netlink.h"
#include "daemon/guard/processes.h"

namespace pfild::guard {

class KernelHost final : public Host {
  public:
    /// Of the network namespace that the calling thread was in when it was first asked. No sock_diag: an error.
    [[nodiscard]] core::Result<Sockets> sockets() override;
    [[nodiscard]] Inodes sockets_of(const Caller& caller) override;
    [[nodiscard]] Inodes sockets_beside(const Inodes& sockets) override;
    [[nodiscard]] Inodes sockets_of_sshd() override;
    [[nodiscard]] core::Result<std::vector<Way>> ways(const Connection& connection) override;

  private:
    Processes processes_;
    std::optional<Netlink> diag_; ///< open once it has been needed, as the next
    std::optional<Netlink> route_;
};

} // namespace pfild::guard
