// SPDX-License-Identifier: BSD-2-Clause
// setns(2) and unshare(2) behind daemon/sys/netns.h. All on the calling thread: /proc/thread-self, never /proc/self,
// which is the first thread's.
#include "daemon/sys/netns.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <linux/nsfs.h>

#include "daemon/sys/failure.h"

namespace pfild::sys {
namespace {

constexpr const char* kOwnNamespace = "/proc/thread-self/ns/net";

[[noreturn]] void die_abroad(int number) {
    std::fprintf(stderr, "pfild: cannot return to the own network namespace: %s; ending\n", errno_text(number).c_str());
    std::abort();
}

core::Result<Fd> open_own() {
    Fd fd(::open(kOwnNamespace, O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return failed("open network namespace", kOwnNamespace, errno);
    }
    return fd;
}

} // namespace

NetNs::NetNs(Fd fd, std::string path, std::uint64_t inode) noexcept
    : fd_(std::move(fd)), path_(std::move(path)), inode_(inode) {}

core::Result<NetNs> NetNs::adopt(Fd fd, std::string path) {
    if (::ioctl(fd.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
        return core::fail({"open network namespace", path, "it is not a network namespace",
                           "give a file such as /run/netns/NAME or /proc/PID/ns/net", EINVAL});
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        return failed("open network namespace", path, errno);
    }
    return NetNs(std::move(fd), std::move(path), status.st_ino);
}

core::Result<NetNs> NetNs::current() {
    return open_own().and_then([](Fd fd) { return adopt(std::move(fd), kOwnNamespace); });
}

core::Result<NetNs> NetNs::open(std::string_view path_or_name) {
    const bool is_path = path_or_name.find('/') != std::string_view::npos;
    if (path_or_name.empty() || (!is_path && (path_or_name == "." || path_or_name == ".."))) {
        return core::fail({"open network namespace", std::string(path_or_name), "that is no name", "", EINVAL});
    }
    std::string path = is_path ? std::string(path_or_name) : "/run/netns/" + std::string(path_or_name);
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) {
        const int number = errno;
        return core::fail({"open network namespace", path, errno_text(number),
                           number == ENOENT ? "`ip netns list` shows those with a name" : "", number});
    }
    return adopt(std::move(fd), std::move(path));
}

core::Result<NetNs> NetNs::create_private() {
    auto home = open_own();
    if (!home) {
        return tl::make_unexpected(std::move(home.error()));
    }
    if (::unshare(CLONE_NEWNET) != 0) {
        return failed("make a network namespace", "", errno);
    }
    auto fresh = open_own();
    if (::setns(home->get(), CLONE_NEWNET) != 0) {
        die_abroad(errno);
    }
    return std::move(fresh).and_then([](Fd fd) { return adopt(std::move(fd), ""); });
}

core::Result<NetNsVisit> NetNsVisit::begin(const NetNs& target) {
    auto home = open_own();
    if (!home) {
        return tl::make_unexpected(std::move(home.error()));
    }
    auto entered = enter_netns(target);
    if (!entered) {
        return tl::make_unexpected(std::move(entered.error()));
    }
    return NetNsVisit(std::move(*home));
}

NetNsVisit::~NetNsVisit() {
    if (home_.valid() && ::setns(home_.get(), CLONE_NEWNET) != 0) {
        die_abroad(errno);
    }
}

core::Result<void> enter_netns(const NetNs& target) {
    if (::setns(target.fd(), CLONE_NEWNET) != 0) {
        return failed("enter network namespace", target.path(), errno);
    }
    return {};
}

} // namespace pfild::sys
