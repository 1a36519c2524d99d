// SPDX-License-Identifier: BSD-2-Clause
// Network namespaces as values, and visits to them. setns(2) moves the calling thread only, so a visit begins and ends
// on one thread; sockets made during a visit stay in that namespace for ever, which is the point of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "daemon/sys/fd.h"

namespace pfild::sys {

/// An open network namespace; it lives at least as long as this does. Move-only.
class NetNs {
  public:
    /// The calling thread's.
    [[nodiscard]] static core::Result<NetNs> current();
    /// A path (anything with a slash), or a name under /run/netns as `ip netns` makes them.
    /// Errors: ENOENT; EINVAL if it is no network namespace.
    [[nodiscard]] static core::Result<NetNs> open(std::string_view path_or_name);
    /// A fresh one that no name shows; it ends with its last descriptor and socket. The calling thread is in the same
    /// namespace afterwards as before.
    [[nodiscard]] static core::Result<NetNs> create_private();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// Where it was opened from, for messages; empty for a private one.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Identity: equal numbers mean the same namespace while both are open.
    [[nodiscard]] std::uint64_t inode() const noexcept { return inode_; }

  private:
    NetNs(Fd fd, std::string path, std::uint64_t inode) noexcept;
    [[nodiscard]] static core::Result<NetNs> adopt(Fd fd, std::string path);

    Fd fd_;
    std::string path_;
    std::uint64_t inode_ = 0;
};

/// The calling thread is in `target` while this lives, and back where it was afterwards. A thread that cannot come back
/// would send into the wrong network, so that ends the process.
/// => Destroyed on the thread that made it, in reverse order of making.
class NetNsVisit {
  public:
    [[nodiscard]] static core::Result<NetNsVisit> begin(const NetNs& target);

    NetNsVisit(const NetNsVisit&) = delete;
    NetNsVisit& operator=(const NetNsVisit&) = delete;
    NetNsVisit(NetNsVisit&&) noexcept = default;
    NetNsVisit& operator=(NetNsVisit&&) = delete;
    ~NetNsVisit();

  private:
    explicit NetNsVisit(Fd home) noexcept : home_(std::move(home)) {}

    Fd home_;
};

/// Runs `work` in a namespace; what it returns, or why that could not be entered.
auto within(const NetNs& netns, const auto& work) -> decltype(work()) {
    auto visit = NetNsVisit::begin(netns);
    if (!visit) {
        return core::fail(std::move(visit.error()));
    }
    return work();
}

/// Moves the calling thread into `target` for good (the daemon at start, before its first thread).
[[nodiscard]] core::Result<void> enter_netns(const NetNs& target);

} // namespace pfild::sys
