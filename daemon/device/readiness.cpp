// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/readiness.h. The other side may have made the far end a blocking one, so every call says that it
// must not wait.
#include "daemon/device/readiness.h"

#include <array>
#include <cerrno>

#include <sys/socket.h>

#include "daemon/sys/failure.h"

namespace pfild::device {

core::Result<ReadinessEnd> ReadinessEnd::make() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        return sys::failed("open device", "", errno);
    }
    ReadinessEnd made{sys::Fd(ends[0]), sys::Fd(ends[1])};
    ::shutdown(made.near_.get(), SHUT_RD);
    made.show({.readable = true});
    return made;
}

void ReadinessEnd::show(capture::Readiness readiness) noexcept {
    if (shown_.hangup) {
        return;
    }
    if (readiness.readable && !shown_.readable) {
        const char byte = 0;
        (void)::send(near_.get(), &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (!readiness.readable && shown_.readable) {
        char byte = 0;
        (void)::recv(far_.get(), &byte, 1, MSG_DONTWAIT);
    }
    if (readiness.hangup) {
        ::shutdown(near_.get(), SHUT_WR);
    }
    shown_ = readiness;
}

} // namespace pfild::device
