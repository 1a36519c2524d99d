// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/server.h.
#include "daemon/api/server.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/api/render.h"
#include "daemon/sys/failure.h"

namespace pfild::api {
namespace {

constexpr mode_t kSocketMode = 0600;
constexpr int kBacklog = 64; // those who wait here are told EBUSY if it comes to that
constexpr auto kRestFromAccepting = std::chrono::milliseconds(100);

/// Removes what a dead daemon left; refuses to remove anything but a socket.
core::Result<void> remove_stale(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? core::Result<void>{} : sys::failed("listen", path, errno);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return core::fail({"listen", path, "a file that is no socket is in the way", "remove it", EADDRINUSE});
    }
    if (::unlink(path.c_str()) != 0) {
        return sys::failed("listen", path, errno);
    }
    return {};
}

core::Result<sys::Fd> listening_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return core::fail({"listen", path, "the path is longer than a socket's can be",
                           "choose a shorter runtime_dir or name", ENAMETOOLONG});
    }
    std::memcpy(&address.sun_path, path.c_str(), path.size() + 1);
    if (auto clear = remove_stale(path); !clear) {
        return core::fail(std::move(clear.error()));
    }
    sys::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) {
        return sys::failed("listen", path, errno);
    }
    // The mode of the socket is the mode of its file: set before bind(2), there is no moment when others can connect.
    if (::fchmod(socket.get(), kSocketMode) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(socket.get(), kBacklog) != 0) {
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

Server::Server(ServerOptions options, sys::Loop& loop, Answerer answer, sys::Fd socket) noexcept
    : options_(std::move(options)), loop_(loop), answer_(std::move(answer)), socket_(std::move(socket)) {}

Server::~Server() {
    accepting_.reset();
    ::unlink(options_.path.c_str());
}

core::Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, sys::Loop& loop, Answerer answer) {
    auto socket = listening_socket(options.path);
    if (!socket) {
        return core::fail(std::move(socket.error()));
    }
    std::unique_ptr<Server> server(new Server(std::move(options), loop, std::move(answer), std::move(*socket)));
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
            spdlog::warn("control socket: accept: {}", sys::errno_text(errno));
            rest_from_accepting();
        }
        return;
    }
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
