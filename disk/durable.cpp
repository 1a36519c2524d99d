// SPDX-License-Identifier: BSD-2-Clause
// See disk/durable.h.
#include "disk/durable.h"

#include <cerrno>
#include <cstdio>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::disk {
namespace {

constexpr mode_t kMode = 0600; // rules are nobody else's business
constexpr mode_t kFolderMode = 0755;

core::Result<void> write_all(int fd, const std::string& path, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return sys::failed("write", path, written < 0 ? errno : EIO);
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

} // namespace

core::Result<void> write_durably(const std::string& path, const std::string& text) {
    const std::string fresh = path + ".new";
    const std::string folder = path.substr(0, path.rfind('/'));
    const sys::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kMode));
    if (!file) {
        return sys::failed("write", fresh, errno);
    }
    if (auto written = write_all(file.get(), fresh, text); !written) {
        ::unlink(fresh.c_str());
        return written;
    }
    if (::fsync(file.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
        return sys::failed("write", path, errno);
    }
    const sys::Fd place(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!place || ::fsync(place.get()) != 0) {
        return sys::failed("write", folder, errno);
    }
    return {};
}

core::Result<void> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), kFolderMode) == 0 || errno == EEXIST) {
        return {};
    }
    return sys::failed("make", path, errno);
}

} // namespace pfild::disk
