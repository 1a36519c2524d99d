// SPDX-License-Identifier: BSD-2-Clause
// See daemon/net/ended_namespaces.h. A namespace that ends now is taken down with those that ended before it, or after
// them. When that has come to its devices, the other end of a pair that was in it is gone.
#include "daemon/net/ended_namespaces.h"

#include <cerrno>
#include <cstdint>
#include <thread>
#include <utility>

#include "daemon/net/links.h"
#include "daemon/sys/netns.h"

namespace pfild::net {
namespace {

constexpr const char* kPair = "pfild-ended";
constexpr std::uint32_t kMtu = 1500;
constexpr auto kBetweenLooks = std::chrono::milliseconds(20);

/// A pair of which one end is in the namespace that the thread is in, the other in one that has ended.
core::Result<void> leave_an_end(Links& links) {
    const auto other = sys::NetNs::create_private();
    if (!other) {
        return core::fail(other.error());
    }
    return links.make_pair({.name = kPair, .alias = "", .mtu = kMtu, .peer_netns = other->fd()});
}

core::Result<bool> await_end(std::chrono::milliseconds patience) {
    auto links = Links::open();
    if (!links) {
        return core::fail(std::move(links.error()));
    }
    if (auto left = leave_an_end(*links); !left) {
        return core::fail(std::move(left.error()));
    }
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
        const auto there = links->find(kPair);
        if (!there && there.error().code == ENODEV) {
            return true;
        }
        if (!there) {
            return core::fail(there.error());
        }
        std::this_thread::sleep_for(kBetweenLooks);
    }
    return false;
}

} // namespace

core::Result<bool> await_ended_namespaces(std::chrono::milliseconds patience) {
    const auto own = sys::NetNs::create_private();
    return own ? sys::within(*own, [patience] { return await_end(patience); }) : core::fail(own.error());
}

} // namespace pfild::net
