// SPDX-License-Identifier: BSD-2-Clause
// See daemon/sys/local_socket.h.
#include "daemon/sys/local_socket.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/sys/failure.h"

namespace pfild::sys {
namespace {

constexpr const char* kListen = "listen";

core::Result<void> remove_stale(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? core::Result<void>{} : failed(kListen, path, errno);
    }
    if (!S_ISSOCK(status.st_mode)) {
        return core::fail({kListen, path, "a file that is no socket is in the way", "remove it", EADDRINUSE});
    }
    return ::unlink(path.c_str()) == 0 ? core::Result<void>{} : failed(kListen, path, errno);
}

} // namespace

core::Result<Fd> bind_local(const std::string& path, int type, mode_t mode) {
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
    Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // The mode of the socket is the mode of its file: set before bind(2), there is no moment when others can connect.
    if (!socket || ::fchmod(socket.get(), mode) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return failed(kListen, path, errno);
    }
    return socket;
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

std::optional<uid_t> user_named(const std::string& name) {
    constexpr std::size_t kMost = 4096;
    std::array<char, kMost> texts{};
    struct passwd entry {};
    struct passwd* found = nullptr;
    if (::getpwnam_r(name.c_str(), &entry, texts.data(), texts.size(), &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    return found->pw_uid;
}

} // namespace pfild::sys
