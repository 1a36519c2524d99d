// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/server.h.
#include "daemon/api/server.h"

#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/api/render.h"
#include "daemon/sys/failure.h"
#include "daemon/sys/local_socket.h"

namespace pfild::api {
namespace {

constexpr mode_t kSocketMode = 0600;
constexpr int kBacklog = 64; // those who wait here are told EBUSY if it comes to that

core::Result<sys::Fd> listening_socket(const std::string& path) {
    auto socket = sys::bind_local(path, SOCK_STREAM, kSocketMode);
    if (socket && ::listen(socket->get(), kBacklog) != 0) {
        return sys::failed("listen", path, errno);
    }
    return socket;
}

core::Result<void> admit(int socket) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return sys::failed("connect", "", errno);
    }
    if (peer.uid != 0 && peer.uid != ::geteuid()) {
        return core::fail({"connect", "", "only root may control pfild", "use sudo", EACCES});
    }
    return {};
}

} // namespace

Server::Server(ServerOptions options, sys::Loop& loop, Answerer answer) noexcept
    : options_(std::move(options)), loop_(loop), answer_(std::move(answer)) {}

core::Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, sys::Loop& loop, Answerer answer) {
    auto socket = listening_socket(options.path);
    if (!socket) {
        return core::fail(std::move(socket.error()));
    }
    std::unique_ptr<Server> server(new Server(std::move(options), loop, std::move(answer)));
    auto acceptor = sys::Acceptor::start(std::move(*socket), server->options_.path, loop,
                                         [self = server.get()](sys::Fd client) { self->take_in(std::move(client)); });
    if (!acceptor) {
        return core::fail(std::move(acceptor.error()));
    }
    server->acceptor_ = std::move(*acceptor);
    return server;
}

void Server::take_in(sys::Fd socket) {
    if (auto admitted = admit(socket.get()); !admitted) {
        turn_away(std::move(socket), admitted.error());
    } else if (clients_.size() >= options_.max_connections) {
        turn_away(std::move(socket),
                  {"connect", "", "there are " + std::to_string(options_.max_connections) + " connections already",
                   "close one", EBUSY});
    } else {
        welcome(std::move(socket));
    }
}

/// A line fits into the buffer of a fresh socket, so there is nothing to wait for.
void Server::turn_away(sys::Fd socket, const core::Error& error) {
    Connection connection(std::move(socket), answer_);
    (void)connection.finish_with(failure_line(0, error));
}

void Server::welcome(sys::Fd socket) {
    const std::uint64_t id = next_id_++;
    auto connection = std::make_unique<Connection>(std::move(socket), answer_);
    auto events = loop_.add(connection->fd(), EPOLLIN, [this, id](std::uint32_t) { proceed(id); });
    if (!events) {
        spdlog::warn("control socket: {}", events.error().line());
        return;
    }
    clients_.emplace(id, Client{std::move(connection), std::move(*events), {}, 0});
    settle(id, Connection::Fate::kReading);
}

void Server::proceed(std::uint64_t id) {
    const auto client = clients_.find(id);
    if (client != clients_.end()) {
        settle(id, client->second.connection->proceed());
    }
}

/// Waits for what the connection now needs, with a new deadline unless it is still the same answer that is not taken.
void Server::settle(std::uint64_t id, Connection::Fate fate) {
    const auto found = clients_.find(id);
    Client& client = found->second;
    const bool writing = fate == Connection::Fate::kWriting;
    if (fate == Connection::Fate::kDone || !client.events.set_events(writing ? EPOLLOUT : EPOLLIN)) {
        clients_.erase(found);
        return;
    }
    const std::uint64_t stalled_answer = writing ? client.connection->answers() : 0;
    if (writing && stalled_answer == client.stalled_answer) {
        return;
    }
    client.stalled_answer = stalled_answer;
    auto deadline = loop_.once(writing ? options_.stalled : options_.idle, [this, id] { clients_.erase(id); });
    if (!deadline) {
        spdlog::warn("control socket: {}", deadline.error().line());
        clients_.erase(found);
        return;
    }
    client.deadline = std::move(*deadline);
}

} // namespace pfild::api
