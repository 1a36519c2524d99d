// SPDX-License-Identifier: BSD-2-Clause
// The device socket's server: lets connections in, as many as there may be, and ends those that are over. Nothing that
// a client does or leaves undone makes the loop wait. Device thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "capture/device_table.h"
#include "core/error.h"
#include "daemon/device/connection.h"
#include "daemon/sys/acceptor.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/loop.h"

namespace pfild::device {

struct ServerOptions {
    std::string path;            ///< see listen_at()
    std::string group = "pfild"; ///< whose members may open devices
    /// The user of pfild-devbpf, who says whom he opens them for, as root may; need not be there.
    std::string file_server = "pfild-devbpf";
    std::size_t max_connections = 64;
    std::size_t max_connections_per_user = 32;
};

class Server {
  public:
    /// `announce` is called after requests: it tells who is to know, and sweeps. => `loop`, `table` and what `announce`
    /// uses outlive it.
    [[nodiscard]] static core::Result<std::unique_ptr<Server>>
    listen(ServerOptions options, sys::Loop& loop, capture::DeviceTable& table, std::function<void()> announce);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    Server(Server&&) = delete;
    Server& operator=(Server&&) = delete;
    /// Ends all connections, which closes their devices, and removes the socket's file.
    ~Server() = default;

    [[nodiscard]] std::size_t connections() const noexcept { return clients_.size(); }
    /// Destroys the connections that have ended. Returns how many: their devices are closed, so the table has changed.
    std::size_t sweep();

  private:
    /// The registration goes before the descriptor that it watches.
    struct Entry {
        std::unique_ptr<Connection> connection;
        sys::Registration events;
    };

    Server(ServerOptions options, sys::Loop& loop, capture::DeviceTable& table,
           std::function<void()> announce) noexcept;
    void take_in(sys::Fd socket);
    [[nodiscard]] core::Result<uid_t> admit(int socket) const;
    void welcome(sys::Fd socket, uid_t user);
    void proceed(std::uint64_t id);

    ServerOptions options_;
    sys::Loop& loop_;
    capture::DeviceTable& table_;
    std::function<void()> announce_;
    std::optional<uid_t> file_server_;
    std::uint64_t next_id_ = 1;
    std::map<std::uint64_t, Entry> clients_;
    std::unique_ptr<sys::Acceptor> acceptor_;
};

} // namespace pfild::device
