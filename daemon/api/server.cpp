// SPDX-License-Identifier: BSD-2-Clause
// See daemon/api/server.h.
#include "daemon/api/server.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control/message.h"
#include "daemon/sys/failure.h"
#include "daemon/sys/local_socket.h"
#include "daemon/sys/sealed_memory.h"

namespace pfild::api {
namespace {

constexpr mode_t kSocketMode = 0600;
constexpr int kBacklog = 64; // those who wait here are told EBUSY if it comes to that

/// Who can connect at all; what they may then do is asked for each verb. The group comes before the mode that lets it
/// in.
void open_to_others(const ServerOptions& options) {
    constexpr mode_t kGroupMode = 0660;
    constexpr mode_t kEverybodyMode = 0666;
    const std::string& path = options.path;
    mode_t mode = kSocketMode;
    if (options.readers && ::chown(path.c_str(), static_cast<uid_t>(-1), *options.readers) != 0) {
        spdlog::warn("control socket: give it to its group: {}", sys::errno_text(errno));
    } else if (options.readers) {
        mode = kGroupMode;
    }
    if (::chmod(path.c_str(), options.open_to_all ? kEverybodyMode : mode) != 0) {
        spdlog::warn("control socket: open it to others: {}", sys::errno_text(errno));
    }
}

core::Result<sys::Fd> listening_socket(const ServerOptions& options) {
    auto socket = sys::bind_local(options.path, SOCK_STREAM, kSocketMode);
    if (socket) {
        open_to_others(options);
    }
    if (socket && ::listen(socket->get(), kBacklog) != 0) {
        return sys::failed("listen", options.path, errno);
    }
    return socket;
}

/// Whether the process at the other end is in that group, by its first one or by the others.
bool in_group(int socket, const ucred& peer, gid_t group) {
    constexpr std::size_t kMostGroups = 65536; // NGROUPS_MAX of Linux
    std::vector<gid_t> groups(kMostGroups);
    socklen_t length = kMostGroups * sizeof(gid_t);
    if (peer.gid == group) {
        return true;
    }
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) != 0) {
        return false;
    }
    groups.resize(length / sizeof(gid_t));
    return std::find(groups.begin(), groups.end(), group) != groups.end();
}

core::Result<control::Peer> peer_of(int socket, std::optional<gid_t> readers) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        return sys::failed("connect", "", errno);
    }
    const bool owner = peer.uid == 0 || peer.uid == ::geteuid();
    return control::Peer{.uid = peer.uid,
                         .pid = static_cast<std::uint32_t>(peer.pid),
                         .owner = owner,
                         .reader = !owner && readers && in_group(socket, peer, *readers)};
}

/// The process that has connected, and no other that gets its number. Before Linux 6.5 it is asked for by the number:
/// as it has just connected, it most likely lives.
sys::Fd pidfd_of(int socket, std::uint32_t pid) {
#ifndef SO_PEERPIDFD
    constexpr int kPeerPidfd = 77;
#else
    constexpr int kPeerPidfd = SO_PEERPIDFD;
#endif
    int pidfd = -1;
    socklen_t length = sizeof pidfd;
    if (::getsockopt(socket, SOL_SOCKET, kPeerPidfd, &pidfd, &length) == 0) {
        return sys::Fd(pidfd);
    }
    return pid == 0 ? sys::Fd() : sys::Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

} // namespace

Server::Server(ServerOptions options, sys::Loop& loop, Dispatcher& dispatcher) noexcept
    : options_(std::move(options)), loop_(loop), dispatcher_(dispatcher), allowance_(options_.limits) {}

core::Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, sys::Loop& loop, Dispatcher& dispatcher) {
    auto socket = listening_socket(options);
    if (!socket) {
        return core::fail(std::move(socket.error()));
    }
    std::unique_ptr<Server> server(new Server(std::move(options), loop, dispatcher));
    auto acceptor = sys::Acceptor::start(std::move(*socket), server->options_.path, loop,
                                         [self = server.get()](sys::Fd client) { self->take_in(std::move(client)); });
    if (!acceptor) {
        return core::fail(std::move(acceptor.error()));
    }
    server->acceptor_ = std::move(*acceptor);
    return server;
}

sys::Registration Server::soon(sys::Loop::Task task) {
    auto round = loop_.once(std::chrono::nanoseconds::zero(), std::move(task));
    if (!round) {
        spdlog::warn("control socket: {}", round.error().line());
    }
    return round ? std::move(*round) : sys::Registration();
}

void Server::admit_anew(bool open_to_all) {
    if (options_.open_to_all != open_to_all) {
        options_.open_to_all = open_to_all;
        open_to_others(options_);
    }
    anew_ = soon([this] {
        std::erase_if(clients_,
                      [this](const auto& client) { return !options_.admits(client.second.connection->peer()); });
    });
    tell_streams(); // one may have lost the right to go on
}

void Server::tell_streams() {
    telling_ = soon([this] {
        std::vector<std::uint64_t> streaming;
        for (const auto& [id, client] : clients_) {
            if (client.connection->streams()) {
                streaming.push_back(id);
            }
        }
        for (const std::uint64_t id : streaming) {
            proceed(id, 0);
        }
    });
}

core::Result<void> Server::allow(const control::Peer& peer, std::size_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    auto allowed = peer.owner ? core::Result<void>() : allowance_.ask(peer.uid, bytes, now);
    if (!allowed && allowance_.worth_a_line(peer.uid, now)) {
        spdlog::warn("control socket: {}", allowed.error().why);
    }
    return allowed;
}

std::string Server::answer(const Question& question) {
    const std::size_t in_memory = question.memory == nullptr ? 0 : sys::sealed_bytes(*question.memory);
    if (auto allowed = allow(question.peer, question.line.size() + in_memory); !allowed) {
        return control::failure_line(0, allowed.error());
    }
    Question asked = question;
    asked.no_stream = why_no_stream(question.peer);
    std::string line = dispatcher_.answer(asked);
    if (!question.peer.owner) {
        allowance_.add(question.peer.uid, line.size(), std::chrono::steady_clock::now());
    }
    return line;
}

std::string Server::next(const control::Peer& peer, std::optional<Stream>& stream) {
    return dispatcher_.next(peer, stream);
}

bool Server::rests(const control::Peer& peer) const {
    return !peer.owner && allowance_.rests_until(peer.uid, std::chrono::steady_clock::now()).has_value();
}

std::string Server::why_no_stream(const control::Peer& peer) const {
    const auto streams = [this](auto&& counts) {
        return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(), [&](const auto& client) {
            return client.second.connection->streams() && counts(client.second.connection->peer());
        }));
    };
    const std::size_t all = streams([](const control::Peer&) { return true; });
    const std::size_t same = streams([&](const control::Peer& other) { return other.uid == peer.uid; });
    if (!peer.owner && same >= options_.limits.streams) {
        return fmt::format("user {} has {} answers that go on already", peer.uid, same);
    }
    return all >= options_.limits.all_streams ? fmt::format("there are {} answers that go on already", all) : "";
}

void Server::take_in(sys::Fd socket) {
    const auto peer = peer_of(socket.get(), options_.readers);
    if (!peer) {
        return turn_away(std::move(socket), peer.error());
    }
    if (!options_.admits(*peer)) {
        return turn_away(std::move(socket), {"connect", "", "only root may control pfild", "use sudo", EACCES});
    }
    const auto others =
        static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(), [&peer](const auto& client) {
            return !peer->owner && client.second.connection->peer().uid == peer->uid;
        }));
    if (clients_.size() >= options_.max_connections) {
        return turn_away(
            std::move(socket),
            {"connect", "", fmt::format("there are {} connections already", clients_.size()), "close one", EBUSY});
    }
    if (others >= options_.max_connections_of_user) {
        return turn_away(
            std::move(socket),
            {"connect", "", fmt::format("user {} has {} connections already", peer->uid, others), "close one", EBUSY});
    }
    if (auto allowed = allow(*peer, 0); !allowed) {
        return turn_away(std::move(socket), allowed.error());
    }
    welcome(std::move(socket), *peer);
}

/// A line fits into the buffer of a fresh socket, so there is nothing to wait for.
void Server::turn_away(sys::Fd socket, const core::Error& error) {
    Connection connection(std::move(socket), {}, {}, *this, slow_close_);
    (void)connection.finish_with(control::failure_line(0, error));
}

void Server::welcome(sys::Fd socket, control::Peer peer) {
    const std::uint64_t id = next_id_++;
    peer.connection = id;
    sys::Fd pidfd = pidfd_of(socket.get(), peer.pid);
    auto connection = std::make_unique<Connection>(std::move(socket), peer, std::move(pidfd),
                                                   static_cast<Answers&>(*this), slow_close_);
    auto events = loop_.add(connection->fd(), EPOLLIN, [this, id](std::uint32_t happened) { proceed(id, happened); });
    if (!events) {
        spdlog::warn("control socket: {}", events.error().line());
        return;
    }
    clients_.emplace(id, Client{std::move(connection), std::move(*events), {}, 0});
    follow(id, Connection::Fate::kReading);
}

void Server::proceed(std::uint64_t id, std::uint32_t events) {
    const auto client = clients_.find(id);
    if (client == clients_.end()) {
        return;
    }
    if (client->second.resting && (events & (EPOLLHUP | EPOLLERR)) != 0) { // it is told so until it is closed
        clients_.erase(client);
        return;
    }
    follow(id, client->second.connection->proceed());
}

void Server::set_deadline(std::uint64_t id, std::chrono::nanoseconds after, sys::Loop::Task task) {
    auto deadline = loop_.once(after, std::move(task));
    if (!deadline) {
        spdlog::warn("control socket: {}", deadline.error().line());
        clients_.erase(id);
        return;
    }
    clients_.at(id).deadline = std::move(*deadline);
}

/// Waits for what the connection now needs, with a new deadline unless it is still the same answer that is not taken.
/// An answer that goes on has no deadline: its reader costs nothing while he takes nothing, or has nothing to take.
void Server::follow(std::uint64_t id, Connection::Fate fate) {
    const auto found = clients_.find(id);
    Client& client = found->second;
    const bool writing = fate == Connection::Fate::kWriting;
    client.resting = fate == Connection::Fate::kResting;
    std::uint32_t events = writing ? EPOLLOUT : EPOLLIN;
    if (client.resting) {
        events = 0;
    }
    if (fate == Connection::Fate::kDone || !client.events.set_events(events)) {
        clients_.erase(found);
        return;
    }
    if (client.resting) {
        client.stalled_answer = 0;
        const auto now = std::chrono::steady_clock::now();
        const auto until = allowance_.rests_until(client.connection->peer().uid, now).value_or(now);
        return set_deadline(id, until - now, [this, id] { proceed(id, 0); });
    }
    const std::uint64_t stalled_answer = writing ? client.connection->answers() : 0;
    if (writing && stalled_answer == client.stalled_answer) {
        return;
    }
    client.stalled_answer = stalled_answer;
    if (client.connection->streams()) {
        client.deadline.reset();
        return;
    }
    set_deadline(id, writing ? options_.stalled : options_.idle, [this, id] { clients_.erase(id); });
}

} // namespace pfild::api
