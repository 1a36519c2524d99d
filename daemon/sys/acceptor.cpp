// SPDX-License-Identifier: BSD-2-Clause
// See daemon/sys/acceptor.h.
#include "daemon/sys/acceptor.h"

#include <cerrno>
#include <chrono>
#include <utility>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/sys/failure.h"

namespace pfild::sys {
namespace {

constexpr auto kRest = std::chrono::milliseconds(100);

Fd reserved() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

} // namespace

Acceptor::Acceptor(Fd socket, std::string path, Loop& loop, Came came) noexcept
    : loop_(loop), path_(std::move(path)), came_(std::move(came)), socket_(std::move(socket)), reserve_(reserved()) {}

core::Result<std::unique_ptr<Acceptor>> Acceptor::start(Fd socket, std::string path, Loop& loop, Came came) {
    std::unique_ptr<Acceptor> self(new Acceptor(std::move(socket), std::move(path), loop, std::move(came)));
    auto accepting =
        loop.add(self->socket_.get(), EPOLLIN, [acceptor = self.get()](std::uint32_t) { acceptor->accept_one(); });
    if (!accepting) {
        return core::fail(std::move(accepting.error()));
    }
    self->accepting_ = std::move(*accepting);
    return self;
}

Acceptor::~Acceptor() {
    accepting_.reset();
    ::unlink(path_.c_str());
}

void Acceptor::accept_one() {
    Fd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection) {
        failed_.log(path_, {});
        came_(std::move(connection));
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        failed_.log(path_, failed("accept", "", errno));
        rest();
    }
}

/// Out of descriptors: the event stays, and would come back at once and for ever.
void Acceptor::rest() {
    reserve_.reset();
    auto rest = loop_.once(kRest, [this] {
        rest_.reset();
        reserve_ = reserved();
        (void)accepting_.set_events(EPOLLIN);
    });
    if (rest) {
        rest_ = std::move(*rest);
        (void)accepting_.set_events(0);
    }
}

} // namespace pfild::sys
