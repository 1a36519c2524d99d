// SPDX-License-Identifier: BSD-2-Clause
// See daemon/device/listener.h.
#include "daemon/device/listener.h"

#include <cerrno>

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sys/failure.h"
#include "daemon/sys/local_socket.h"

namespace pfild::device {
namespace {

constexpr mode_t kOwnMode = 0600; ///< until the group is known
constexpr mode_t kMode = 0660;
constexpr int kBacklog = 64; ///< who waits here is told so if it comes to that

void give_to_group(const std::string& path, const std::string& group) {
    constexpr auto kSameUser = static_cast<uid_t>(-1);
    const auto id = sys::group_named(group);
    if (!id) {
        spdlog::info("device socket: there is no group {}, so only root may open devices", group);
    } else if (::chown(path.c_str(), kSameUser, *id) != 0) {
        spdlog::warn("device socket: give it to group {}: {}", group, sys::errno_text(errno));
    }
}

} // namespace

core::Result<sys::Fd> listen_at(const std::string& path, const std::string& group) {
    auto socket = sys::bind_local(path, SOCK_SEQPACKET, kOwnMode);
    if (!socket) {
        return socket;
    }
    // The group comes before the mode that lets it in: there is no moment when another group is let in.
    give_to_group(path, group);
    const int on = 1;
    if (::setsockopt(socket->get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
        ::chmod(path.c_str(), kMode) != 0 || ::listen(socket->get(), kBacklog) != 0) {
        const int error = errno;
        ::unlink(path.c_str());
        return sys::failed("listen", path, error);
    }
    return socket;
}

} // namespace pfild::device
