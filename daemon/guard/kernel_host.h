// SPDX-License-Identifier: BSD-2-Clause
// What the guard asks of the host, asked of the kernel. Control thread.
#pragma once

#include <vector>

#include "core/error.h"
#include "daemon/guard/guard.h"
#include "daemon/guard/processes.h"

namespace pfild::guard {

class KernelHost final : public Host {
  public:
    /// Of the network namespace that the calling thread is in. No sock_diag: an error.
    [[nodiscard]] core::Result<Sockets> sockets() override;
    [[nodiscard]] Inodes sockets_of(const Caller& caller) override;
    [[nodiscard]] Inodes sockets_of_sshd() override { return processes_.sockets_of_named("sshd"); }
    [[nodiscard]] core::Result<std::vector<Way>> ways(const Connection& connection) override;

  private:
    Processes processes_;
};

} // namespace pfild::guard
