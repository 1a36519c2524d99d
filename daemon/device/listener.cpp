// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/listener.h.
#include "daemon/device/listener.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <grp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/sys/failure.h"

namespace pfild::device {
namespace {

constexpr const char* kListen = "listen";
constexpr mode_t kOwnMode = 0600; ///< until the group is known
constexpr mode_t kMode = 0660;
constexpr int kBacklog = 64; ///< who waits here is told so if it comes to that

core::Result<void> remove_stale(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? core::Result<void>{} : sys::failed(kListen, path, errno);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return core::fail({kListen, path, "a file that is no socket is in the way", "remove it", EADDRINUSE});
    }
    return ::unlink(path.c_str()) == 0 ? core::Result<void>{} : sys::failed(kListen, path, errno);
}

std::optional<gid_t> group_named(const std::string& name) {
    constexpr std::size_t kMost = 16384; // the members are in it as well
    std::array<char, kMost> names{};
    struct group entry {};
    struct group* found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, names.data(), names.size(), &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    return found->gr_gid;
}

void give_to_group(const std::string& path, const std::string& group) {
    constexpr auto kSameUser = static_cast<uid_t>(-1);
    const auto id = group_named(group);
    if (!id) {
        spdlog::info("device socket: there is no group {}, so only root may open devices", group);
    } else if (::chown(path.c_str(), kSameUser, *id) != 0) {
        spdlog::warn("device socket: give it to group {}: {}", group, sys::errno_text(errno));
    }
}

} // namespace

core::Result<sys::Fd> listen_at(const std::string& path, const std::string& group) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return core::fail({kListen, path, "the path is longer than a socket's can be",
                           "choose a shorter runtime_dir or name", ENAMETOOLONG});
    }
    std::memcpy(&address.sun_path, path.c_str(), path.size() + 1);
    if (auto clear = remove_stale(path); !clear) {
        return core::fail(std::move(clear.error()));
    }
    const int on = 1;
    sys::Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
        ::fchmod(socket.get(), kOwnMode) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return sys::failed(kListen, path, errno);
    }
    // The group comes before the mode that lets it in: there is no moment when another group is let in.
    give_to_group(path, group);
    if (::chmod(path.c_str(), kMode) != 0 || ::listen(socket.get(), kBacklog) != 0) {
        const int error = errno;
        ::unlink(path.c_str());
        return sys::failed(kListen, path, error);
    }
    return socket;
}

} // namespace pfild::device
