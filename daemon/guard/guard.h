// SPDX-License-Identifier: BSD-2-Clause
// The lock-out guard: before a change goes live, would it cut the connection by which it is made?
//
//     caller --ancestry, relays--> its sockets --+
//     sockets of the network namespace ----------+--choose--> connections --ways--> packets --judge--> cut, or not
//     guard_ports, ports of sshd ----------------+
//
// Control thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "daemon/guard/choose.h"
#include "daemon/guard/judge.h"

namespace pfild::guard {

/// Who asks for a change. pid 0: nobody whom this process can see.
struct Caller {
    std::uint32_t pid = 0;
    int pidfd = -1; ///< of that process, taken when it connected
};

/// What the guard asks of the host; in tests tables.
class Host {
  public:
    Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    Host(Host&&) = delete;
    Host& operator=(Host&&) = delete;
    virtual ~Host() = default;

    [[nodiscard]] virtual core::Result<Sockets> sockets() = 0;
    /// Sockets that the caller or its ancestry has open.
    [[nodiscard]] virtual Inodes sockets_of(const Caller& caller) = 0;
    /// All sockets of the processes that have one of these open.
    [[nodiscard]] virtual Inodes sockets_beside(const Inodes& sockets) = 0;
    /// Sockets that a process called sshd has open.
    [[nodiscard]] virtual Inodes sockets_of_sshd() = 0;
    /// By which interfaces packets of the connection come and go: that of its route, and those below it.
    [[nodiscard]] virtual core::Result<std::vector<Way>> ways(const Connection& connection) = 0;
};

class Guard {
  public:
    /// => `host` outlives it.
    explicit Guard(Host& host) : host_(host) {}

    /// ECONNABORTED: the change would cut a connection; the error names it, the hook and the head. Else what the caller
    /// is to be told: that there was nothing to check, and why; or that an interface which is not there would cut it
    /// once it comes. Nothing: all connections would go on.
    [[nodiscard]] core::Result<std::optional<std::string>>
    check(const Caller& caller, const std::vector<std::uint16_t>& guard_ports, const Prospect& prospect);

  private:
    [[nodiscard]] std::vector<Watched> watched(const Sockets& sockets, const Caller& caller,
                                               const std::vector<std::uint16_t>& guard_ports);

    Host& host_;
    Judge judge_;
};

} // namespace pfild::guard
