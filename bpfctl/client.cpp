// SPDX-License-Identifier: BSD-2-Clause
// See client.h.
#include "bpfctl/client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "bpfctl/answer.h"
#include "control/verbs.h"

namespace pfild::bpfctl {
namespace {

constexpr std::uint64_t kRequestId = 1;

tl::unexpected<Failure> no_answer(const std::string& socket, std::string why, int code) {
    return fail(Exit::kUnreachable, {"daemon", socket, std::move(why),
                                     "see what pfild logged; `bpfctl version` shows whether it answers", code});
}

std::string how_to_reach(const Endpoint& endpoint, int code) {
    if (code == EACCES || code == EPERM) {
        return "only root may control pfild: run bpfctl as root";
    }
    return how_to_start(endpoint);
}

tl::unexpected<Failure> not_connected(const Endpoint& endpoint, int code) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    std::string why = code == EAGAIN ? "it takes no connection" : std::strerror(code);
    return fail(Exit::kUnreachable, {"connect", endpoint.path, std::move(why), how_to_reach(endpoint, code), code});
}

} // namespace

std::string how_to_start(const Endpoint& endpoint) {
    if (endpoint.instance.empty()) {
        return "is pfild running, and is this its socket?";
    }
    return "is pfild running? start it with: pfild --name " + endpoint.instance;
}

Outcome<Client> Client::connect(const Endpoint& endpoint, Timeouts timeouts) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (endpoint.path.empty() || endpoint.path.size() >= sizeof(address.sun_path)) {
        return not_connected(endpoint, endpoint.path.empty() ? EINVAL : ENAMETOOLONG);
    }
    std::copy(endpoint.path.begin(), endpoint.path.end(), std::begin(address.sun_path));
    Client client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), endpoint.path, timeouts);
    // A full backlog blocks connect(2) for as long as the socket's send time-out says.
    const timeval limit{timeouts.connect.count() / 1000, timeouts.connect.count() % 1000 * 1000};
    if (client.fd_ < 0 || setsockopt(client.fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how sockets take addresses
        ::connect(client.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return not_connected(endpoint, errno);
    }
    return client;
}

Client Client::adopt(int connected, std::string name, Timeouts timeouts) {
    return {connected, std::move(name), timeouts};
}

Client::Client(int connected, std::string name, Timeouts timeouts)
    : fd_(connected), name_(std::move(name)), timeouts_(timeouts) {}

Client::Client(Client&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), name_(std::move(other.name_)), timeouts_(other.timeouts_),
      ahead_(std::move(other.ahead_)) {}

Client& Client::operator=(Client&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(name_, other.name_);
    std::swap(timeouts_, other.timeouts_);
    std::swap(ahead_, other.ahead_);
    return *this;
}

Client::~Client() {
    if (fd_ >= 0) {
        close(fd_);
    }
}

Outcome<Json> Client::ask(std::string_view verb, const Json& arguments, bool force) {
    Json request{{"protocol", 2}, {"id", kRequestId}, {"verb", std::string(verb)}, {"arguments", arguments}};
    if (force) {
        request["force"] = true;
    }
    const std::string line = compact(request) + '\n';
    const bool too_long = line.size() > kMaxRequestBytes;
    const control::Verb* const row = control::find_verb(verb);
    if (too_long && (row == nullptr || row->most_bytes < line.size())) {
        return fail(Exit::kRefused, {std::string(verb), "",
                                     "the request has " + std::to_string(line.size()) + " bytes, the daemon takes " +
                                         std::to_string(kMaxRequestBytes),
                                     "use a shorter filter", EMSGSIZE});
    }
    const Deadline deadline = std::chrono::steady_clock::now() + timeouts_.answer;
    auto sent = too_long ? send_in_memory(verb, compact(arguments), deadline) : send(line, deadline);
    if (!sent) {
        return tl::make_unexpected(std::move(sent.error()));
    }
    auto answer = receive_line(deadline);
    if (!answer) {
        return tl::make_unexpected(std::move(answer.error()));
    }
    return parse_answer(*answer, kRequestId, name_);
}

Outcome<Json> Client::more() {
    auto answer = receive_line({});
    if (!answer) {
        return tl::make_unexpected(std::move(answer.error()));
    }
    return parse_answer(*answer, kRequestId, name_);
}

Outcome<void> Client::send_in_memory(std::string_view verb, const std::string& arguments, Deadline deadline) {
    const int memory = ::memfd_create("pfild-arguments", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    std::string_view left = arguments;
    while (memory >= 0 && !left.empty()) {
        const ssize_t written = ::write(memory, left.data(), left.size());
        if (written <= 0) {
            break;
        }
        left.remove_prefix(static_cast<std::size_t>(written));
    }
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): how fcntl takes its argument
    if (!left.empty() || ::fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        const int code = errno;
        close(memory);
        return fail(Exit::kRefused, {std::string(verb), "", std::strerror(code), // NOLINT(concurrency-mt-unsafe)
                                     "is there memory enough?", code});
    }
    const Json request{{"protocol", 2}, {"id", kRequestId}, {"verb", std::string(verb)}, {"in_memory", true}};
    auto sent = send_with(compact(request) + '\n', memory, deadline);
    close(memory);
    return sent;
}

Outcome<void> Client::send_with(std::string_view line, int descriptor, Deadline deadline) {
    std::string first(line.substr(0, 1));
    iovec bytes{first.data(), first.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptor)> room{};
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    if (auto ready = wait(POLLOUT, deadline); !ready) {
        return ready;
    }
    if (::sendmsg(fd_, &message, MSG_NOSIGNAL) != 1 && errno != EPIPE && errno != ECONNRESET) {
        return no_answer(name_, std::strerror(errno), errno); // NOLINT(concurrency-mt-unsafe): one thread
    }
    return send(line.substr(1), deadline);
}

/// A daemon that refuses may close before it has read everything: then there is still an answer to read.
Outcome<void> Client::send(std::string_view line, Deadline deadline) {
    while (!line.empty()) {
        const ssize_t sent = ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            line.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EPIPE || errno == ECONNRESET) {
            break;
        } else if (errno == EAGAIN) {
            if (auto ready = wait(POLLOUT, deadline); !ready) {
                return ready;
            }
        } else if (errno != EINTR) {
            return no_answer(name_, std::strerror(errno), errno); // NOLINT(concurrency-mt-unsafe): one thread
        }
    }
    return {};
}

Outcome<std::string> Client::receive_line(Deadline deadline) {
    std::string received = std::exchange(ahead_, {});
    if (const std::size_t end = received.find('\n'); end != std::string::npos) {
        ahead_ = received.substr(end + 1);
        received.resize(end);
        return received;
    }
    std::array<char, 65536> chunk{};
    while (received.size() < kMaxAnswerBytes) {
        const ssize_t got = recv(fd_, chunk.data(), chunk.size(), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno == ECONNRESET)) { // reset: it closed without reading the whole question
            return no_answer(name_, received.empty() ? "it closed without an answer" : "it closed in its answer",
                             EPIPE);
        }
        if (got > 0) {
            const std::string_view fresh(chunk.data(), static_cast<std::size_t>(got));
            const std::size_t end = fresh.find('\n');
            received += fresh.substr(0, end);
            if (end != std::string_view::npos) {
                ahead_ = fresh.substr(end + 1);
                return received;
            }
        } else if (errno == EAGAIN) {
            if (auto ready = wait(POLLIN, deadline); !ready) {
                return tl::make_unexpected(std::move(ready.error()));
            }
        } else if (errno != EINTR) {
            return no_answer(name_, std::strerror(errno), errno); // NOLINT(concurrency-mt-unsafe): one thread
        }
    }
    return no_answer(name_, "its answer is longer than " + std::to_string(kMaxAnswerBytes) + " bytes", EMSGSIZE);
}

Outcome<void> Client::wait(short events, Deadline deadline) const {
    using std::chrono::milliseconds;
    for (;;) {
        const auto left = deadline ? std::chrono::ceil<milliseconds>(*deadline - std::chrono::steady_clock::now())
                                   : milliseconds(-1); // poll(2) then waits for ever
        if (deadline && left <= milliseconds::zero()) {
            const auto limit = timeouts_.answer.count();
            return no_answer(name_,
                             "no answer within " + (limit % 1000 == 0 ? std::to_string(limit / 1000) + " s"
                                                                      : std::to_string(limit) + " ms"),
                             ETIMEDOUT);
        }
        pollfd waiting{fd_, events, 0};
        const int ready = poll(&waiting, 1, static_cast<int>(left.count()));
        if (ready > 0) {
            return {};
        }
        if (ready < 0 && errno != EINTR) {
            return no_answer(name_, std::strerror(errno), errno); // NOLINT(concurrency-mt-unsafe): one thread
        }
    }
}

} // namespace pfild::bpfctl
