// SPDX-License-Identifier: BSD-2-Clause
// See daemon/rules/file_store.h. A text ends in one newline; more of them, up to the end of the file, are no part of
// it: to cut a file, and to reserve again what was cut off, takes longer than to write over it.
#include "daemon/rules/file_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::rules {
namespace {

constexpr off_t kReserve = 65536;
constexpr mode_t kMode = 0600; // rules are nobody else's business

core::Result<void> write_all(int fd, const std::string& path, std::string_view text) {
    for (off_t at = 0; !text.empty();) {
        const ssize_t written = ::pwrite(fd, text.data(), text.size(), at);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return sys::failed("write", path, written < 0 ? errno : EIO);
        }
        at += written;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

sys::Fd open_to_write(const std::string& path, int flags) {
    return sys::Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, kMode));
}

/// Space for `size` bytes that nobody else can take.
core::Result<void> allocate(int fd, const std::string& path, off_t size) {
    constexpr off_t kBlock = 512;
    struct stat now {};
    if (::fstat(fd, &now) == 0 && now.st_blocks * kBlock >= size) {
        return {};
    }
    if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, size) == 0 || errno == EOPNOTSUPP) {
        return {};
    }
    return sys::failed("write", path, errno);
}

} // namespace

core::Result<void> FileStore::reserve() const {
    for (const std::string& path : {path(), next()}) {
        const sys::Fd file = open_to_write(path, 0);
        if (!file) {
            return sys::failed("write", path, errno);
        }
        if (auto allocated = allocate(file.get(), path, kReserve); !allocated) {
            return allocated;
        }
    }
    return {};
}

core::Result<std::string> FileStore::read() const {
    const sys::Fd file(::open(path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) {
        return sys::failed("read", path(), errno);
    }
    std::string text;
    std::array<char, 65536> piece{};
    for (;;) {
        const ssize_t count = ::read(file.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return sys::failed("read", path(), errno);
        }
        if (count == 0) {
            while (text.ends_with("\n\n")) {
                text.pop_back();
            }
            return text.empty() ? core::Result<std::string>(sys::failed("read", path(), ENOENT)) : text;
        }
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
}

// A file that is much too long is cut last: whoever reads it in between finds a text that is not whole, and that is not
// in force.
core::Result<void> FileStore::put_next(const std::string& text) {
    const sys::Fd file = open_to_write(next(), 0);
    if (!file) {
        return sys::failed("write", next(), errno);
    }
    const auto size = static_cast<off_t>(text.size());
    if (auto allocated = allocate(file.get(), next(), std::max(size, kReserve)); !allocated) {
        return allocated;
    }
    struct stat before {};
    if (::fstat(file.get(), &before) != 0) {
        return sys::failed("write", next(), errno);
    }
    const bool is_cut = before.st_size > std::max(size, kReserve);
    const off_t behind = is_cut ? 0 : std::max<off_t>(before.st_size - size, 0);
    if (auto written = write_all(file.get(), next(), text + std::string(static_cast<std::size_t>(behind), '\n'));
        !written) {
        return written;
    }
    if (is_cut && ::ftruncate(file.get(), size) != 0) {
        return sys::failed("write", next(), errno);
    }
    if (is_cut) {
        (void)allocate(file.get(), next(), kReserve); // cutting has given back what was behind
    }
    return {};
}

core::Result<void> FileStore::exchange() {
    if (::renameat2(AT_FDCWD, next().c_str(), AT_FDCWD, path().c_str(), RENAME_EXCHANGE) == 0) {
        return {};
    }
    if (errno == ENOENT && ::rename(next().c_str(), path().c_str()) == 0) { // somebody has removed the one in force
        return {};
    }
    return sys::failed("write", path(), errno);
}

void FileStore::remove() noexcept {
    ::unlink(path().c_str());
    ::unlink(next().c_str());
}

} // namespace pfild::rules
