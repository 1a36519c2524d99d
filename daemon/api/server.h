// SPDX-License-Identifier: BSD-2-Clause
// The control socket: listens, knows its peers by SO_PEERCRED, and keeps what a client can take of the daemon within
// the bounds of docs/control-protocol.md. Nothing a client does or leaves undone makes the loop wait. Control thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "core/error.h"
#include "daemon/api/allowance.h"
#include "daemon/api/connection.h"
#include "daemon/sys/acceptor.h"
#include "daemon/sys/fd.h"
#include "daemon/sys/loop.h"

namespace pfild::api {

struct ServerOptions {
    std::string path; ///< a socket left there by a dead daemon is replaced; => the caller holds the instance's lock
    std::size_t max_connections = 16;
    std::size_t max_connections_of_user = 4; ///< of one that is neither root nor the daemon's own
    std::optional<gid_t> readers;            ///< the group whose members may look
    bool open_to_all = false;                ///< everybody can connect; whom `admits` does not is told so
    std::function<bool(const control::Peer&)> admits = [](const control::Peer& peer) { return peer.owner; };
    Limits limits;                            ///< of users that are neither root nor the daemon's own
    std::chrono::milliseconds idle{30'000};   ///< a connection that sends nothing for so long is closed
    std::chrono::milliseconds stalled{5'000}; ///< as is one that has not taken its answer by then
};

class Server final : private Answers {
  public:
    /// => `loop` and `dispatcher` outlive it. EADDRINUSE: there is a file at the path that is no socket.
    [[nodiscard]] static core::Result<std::unique_ptr<Server>> listen(ServerOptions options, sys::Loop& loop,
                                                                      Dispatcher& dispatcher);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    Server(Server&&) = delete;
    Server& operator=(Server&&) = delete;
    /// Closes all connections and removes the socket's file.
    ~Server() override = default;

    /// Who may ask is another set of peers now: whether everybody can connect, and whom `admits` does not, is told so.
    /// Connections of those who are not admitted any more end, in the next round of the loop: one may be asking.
    void admit_anew(bool open_to_all);

    /// There may be something new for answers that go on; it is told in the next round of the loop.
    void tell_streams();

    [[nodiscard]] std::size_t connections() const noexcept { return clients_.size(); }

  private:
    /// Registrations go before the descriptor that they watch.
    struct Client {
        std::unique_ptr<Connection> connection;
        sys::Registration events;
        sys::Registration deadline;
        std::uint64_t stalled_answer = 0; ///< the deadline is for the taking of this one; 0: for the next request
        bool resting = false;
    };

    Server(ServerOptions options, sys::Loop& loop, Dispatcher& dispatcher) noexcept;
    [[nodiscard]] std::string answer(const Question& question) override;
    [[nodiscard]] std::string next(const control::Peer& peer, std::optional<Stream>& stream) override;
    [[nodiscard]] bool rests(const control::Peer& peer) const override;
    [[nodiscard]] core::Result<void> allow(const control::Peer& peer, std::size_t bytes);
    [[nodiscard]] std::string why_no_stream(const control::Peer& peer) const;
    /// In the next round of the loop.
    [[nodiscard]] sys::Registration soon(sys::Loop::Task task);
    void take_in(sys::Fd socket);
    void welcome(sys::Fd socket, control::Peer peer);
    void turn_away(sys::Fd socket, const core::Error& error);
    void proceed(std::uint64_t id, std::uint32_t events);
    void follow(std::uint64_t id, Connection::Fate fate);
    void set_deadline(std::uint64_t id, std::chrono::nanoseconds after, sys::Loop::Task task);

    ServerOptions options_;
    sys::Loop& loop_;
    Dispatcher& dispatcher_;
    Allowance allowance_;
    sys::SlowClose slow_close_;
    std::uint64_t next_id_ = 1;
    std::map<std::uint64_t, Client> clients_;
    sys::Registration anew_;
    sys::Registration telling_;
    std::unique_ptr<sys::Acceptor> acceptor_;
};

} // namespace pfild::api
