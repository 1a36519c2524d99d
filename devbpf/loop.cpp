// SPDX-License-Identifier: BSD-2-Clause
// See loop.h.
#include "devbpf/loop.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include <sys/epoll.h>

namespace pfild::devbpf {
namespace {

tl::unexpected<core::Error> loop_failure(const char* what, int code) {
    return core::fail({what, "events", std::strerror(code), "", code}); // NOLINT(concurrency-mt-unsafe): one thread
}

} // namespace

core::Result<Loop> Loop::make() {
    client::Descriptor events(::epoll_create1(EPOLL_CLOEXEC));
    return events.valid() ? core::Result<Loop>(Loop(std::move(events))) : loop_failure("make", errno);
}

core::Result<void> Loop::watch(int descriptor, std::uint32_t events, Call call) {
    epoll_event event{.events = events, .data = {.fd = descriptor}};
    const bool known = calls_.count(descriptor) != 0;
    if (::epoll_ctl(events_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event) != 0) {
        return loop_failure("watch", errno);
    }
    calls_[descriptor] = std::move(call);
    return {};
}

void Loop::forget(int descriptor) {
    if (calls_.erase(descriptor) != 0) {
        (void)::epoll_ctl(events_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
    }
}

core::Result<void> Loop::wait(std::optional<std::chrono::milliseconds> most) {
    const int limit = most ? static_cast<int>(std::clamp<std::int64_t>(most->count(), 0, INT_MAX)) : -1;
    epoll_event event{};
    const int count = ::epoll_wait(events_.get(), &event, 1, limit);
    if (count < 0 && errno != EINTR) {
        return loop_failure("wait for", errno);
    }
    if (const auto at = calls_.find(event.data.fd); count == 1 && at != calls_.end()) {
        const Call call = at->second; // a copy: the call may forget itself
        call(event.events);
    }
    return {};
}

} // namespace pfild::devbpf
