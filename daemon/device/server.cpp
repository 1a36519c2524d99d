// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/server.h.
#include "daemon/device/server.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/device/clock.h"
#include "daemon/device/listener.h"
#include "daemon/sys/failure.h"

namespace pfild::device {
namespace {

constexpr auto kRestFromAccepting = std::chrono::milliseconds(100);

} // namespace

Server::Server(ServerOptions options, sys::Loop& loop, core::DeviceTable& table, std::function<void()> settle,
               sys::Fd socket) noexcept
    : options_(std::move(options)), loop_(loop), table_(table), settle_(std::move(settle)), socket_(std::move(socket)) {
}

Server::~Server() {
    accepting_.reset();
    ::unlink(options_.path.c_str());
}

core::Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, sys::Loop& loop, core::DeviceTable& table,
                                                     std::function<void()> settle) {
    auto socket = listen_at(options.path, options.group);
    if (!socket) {
        return core::fail(std::move(socket.error()));
    }
    std::unique_ptr<Server> server(new Server(std::move(options), loop, table, std::move(settle), std::move(*socket)));
    auto accepting =
        loop.add(server->socket_.get(), EPOLLIN, [self = server.get()](std::uint32_t) { self->accept_one(); });
    if (!accepting) {
        return core::fail(std::move(accepting.error()));
    }
    server->accepting_ = std::move(*accepting);
    return server;
}

void Server::accept_one() {
    sys::Fd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            spdlog::warn("device socket: accept: {}", sys::errno_text(errno));
            rest_from_accepting();
        }
        return;
    }
    const auto user = admit(socket.get());
    if (user) {
        welcome(std::move(socket), *user);
    } else {
        Connection(std::move(socket), table_, options_.largest_read).end_with({}, user.error());
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
    const auto of_user = std::count_if(clients_.begin(), clients_.end(),
                                       [&](const auto& client) { return client.second.user == peer.uid; });
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
    auto connection = std::make_unique<Connection>(std::move(socket), table_, options_.largest_read);
    auto events = loop_.add(connection->fd(), EPOLLIN, [this, id](std::uint32_t) { proceed(id); });
    if (!events) {
        spdlog::warn("device socket: {}", events.error().line());
        return;
    }
    clients_.emplace(id, Entry{.connection = std::move(connection), .user = user, .events = std::move(*events)});
}

/// Out of descriptors: the event stays, and would come back at once and for ever.
void Server::rest_from_accepting() {
    auto rest = loop_.once(kRestFromAccepting, [this] { (void)accepting_.set_events(EPOLLIN); });
    if (rest) {
        rest_ = std::move(*rest);
        (void)accepting_.set_events(0);
    }
}

void Server::proceed(std::uint64_t id) {
    const auto client = clients_.find(id);
    if (client != clients_.end()) {
        if (before_) {
            before_();
        }
        client->second.connection->proceed(now_ns());
        settle_();
    }
}

std::size_t Server::sweep() {
    return std::erase_if(clients_, [](const auto& client) { return client.second.connection->ended(); });
}

} // namespace pfild::device
