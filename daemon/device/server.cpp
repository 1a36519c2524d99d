// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/server.h.
#include "daemon/device/server.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/device/listener.h"
#include "daemon/sys/clock.h"
#include "daemon/sys/failure.h"
#include "daemon/sys/local_socket.h"

namespace pfild::device {
Server::Server(ServerOptions options, sys::Loop& loop, capture::DeviceTable& table,
               std::function<void()> announce) noexcept
    : options_(std::move(options)), loop_(loop), table_(table), announce_(std::move(announce)),
      file_server_(sys::user_named(options_.file_server)) {}

core::Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, sys::Loop& loop,
                                                     capture::DeviceTable& table, std::function<void()> announce) {
    auto socket = listen_at(options.path, options.group);
    if (!socket) {
        return core::fail(std::move(socket.error()));
    }
    std::unique_ptr<Server> server(new Server(std::move(options), loop, table, std::move(announce)));
    auto acceptor = sys::Acceptor::start(std::move(*socket), server->options_.path, loop,
                                         [self = server.get()](sys::Fd client) { self->take_in(std::move(client)); });
    if (!acceptor) {
        return core::fail(std::move(acceptor.error()));
    }
    server->acceptor_ = std::move(*acceptor);
    return server;
}

void Server::take_in(sys::Fd socket) {
    const auto user = admit(socket.get());
    if (user) {
        welcome(std::move(socket), *user);
    } else {
        Connection(std::move(socket), table_, 0, std::nullopt).end_with({}, user.error());
    }
}

/// Whose connection it is. EAGAIN, EMFILE: there are too many, in all or of this user.
core::Result<uid_t> Server::admit(int socket) const {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return sys::failed("connect", "", errno);
    }
    if (clients_.size() >= options_.max_connections) {
        return core::fail({"connect", "", "there are " + std::to_string(clients_.size()) + " connections already",
                           "try again later", EAGAIN});
    }
    const auto of_user = std::count_if(clients_.begin(), clients_.end(), [&](const auto& client) {
        return client.second.connection->user() == peer.uid;
    });
    if (static_cast<std::size_t>(of_user) >= options_.max_connections_per_user) {
        return core::fail(
            {"connect", "",
             "user " + std::to_string(peer.uid) + " has " + std::to_string(of_user) + " connections already",
             "close one", EMFILE});
    }
    return peer.uid;
}

void Server::welcome(sys::Fd socket, uid_t user) {
    const std::uint64_t id = next_id_++;
    auto connection = std::make_unique<Connection>(std::move(socket), table_, user, file_server_);
    auto events = loop_.add(connection->fd(), EPOLLIN, [this, id](std::uint32_t) { proceed(id); });
    if (!events) {
        spdlog::warn("device socket: {}", events.error().line());
        return;
    }
    clients_.emplace(id, Entry{.connection = std::move(connection), .events = std::move(*events)});
}

void Server::proceed(std::uint64_t id) {
    const auto client = clients_.find(id);
    if (client != clients_.end()) {
        client->second.connection->proceed(sys::now_ns());
        announce_();
    }
}

std::size_t Server::sweep() {
    return std::erase_if(clients_, [](const auto& client) { return client.second.connection->ended(); });
}

} // namespace pfild::device
