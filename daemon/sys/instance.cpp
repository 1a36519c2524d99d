// SPDX-License-Identifier: BSD-2-Clause
// mkdir(2) and flock(2) behind daemon/sys/instance.h.
#include "daemon/sys/instance.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "daemon/sys/failure.h"

namespace pfild::sys {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kLockMode = 0644; // whose the lock is, is no secret
constexpr std::size_t kMaxInstanceName = 32;

bool is_name_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

/// Makes one folder, with its mode whatever the umask; a folder that is there stays as it is.
core::Result<void> make_folder(const std::string& path) {
    if (::mkdir(path.c_str(), kFolderMode) == 0) {
        if (::chmod(path.c_str(), kFolderMode) != 0) {
            return failed("make", path, errno);
        }
        return {};
    }
    const int number = errno;
    struct stat status {};
    if (number == EEXIST && ::stat(path.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            return {};
        }
        return failed("make", path, ENOTDIR);
    }
    return failed("make", path, number);
}

std::string holder_of(int lock) {
    std::array<char, 16> text{};
    const ssize_t count = ::pread(lock, text.data(), text.size(), 0);
    std::string pid(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
    pid.erase(std::find_if(pid.begin(), pid.end(), [](char c) { return c < '0' || c > '9'; }), pid.end());
    return pid.empty() ? "another process" : "process " + pid;
}

/// The file may be gone again before it is locked: the caller looks.
core::Result<Fd> lock_file(const std::string& path, const std::string& name) {
    Fd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode));
    if (!lock) {
        return failed("open", path, errno);
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) {
        return lock;
    }
    if (errno != EWOULDBLOCK) {
        return failed("lock", path, errno);
    }
    return core::fail({"start", name, holder_of(lock.get()) + " runs an instance of this name already",
                       "stop it, or choose another name with --name", EBUSY});
}

bool is_file_at(int fd, const std::string& path) {
    struct stat open_file {};
    struct stat named {};
    return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 && open_file.st_ino == named.st_ino &&
           open_file.st_dev == named.st_dev;
}

} // namespace

bool is_instance_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= kMaxInstanceName && name != "." && name != ".." &&
           std::all_of(name.begin(), name.end(), is_name_letter);
}

core::Result<Instance> Instance::take(const std::string& runtime_dir, const std::string& name) {
    const std::string folder = runtime_dir + '/' + name;
    constexpr int kTries = 10; // each lost to a daemon that was just stopping
    for (int i = 0; i < kTries; i++) {
        for (const std::string& path : {runtime_dir, folder}) {
            if (auto made = make_folder(path); !made) {
                return core::fail(std::move(made.error()));
            }
        }
        auto lock = lock_file(folder + "/lock", name);
        if (!lock) {
            return core::fail(std::move(lock.error()));
        }
        if (!is_file_at(lock->get(), folder + "/lock")) {
            continue;
        }
        const std::string pid = std::to_string(::getpid()) + '\n';
        if (::ftruncate(lock->get(), 0) != 0 ||
            ::pwrite(lock->get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
            return failed("write", folder + "/lock", errno);
        }
        return Instance(folder, std::move(*lock));
    }
    return failed("lock", folder, EAGAIN);
}

void Instance::remove() noexcept {
    ::unlink((folder_ + "/lock").c_str());
    ::rmdir(folder_.c_str());
}

} // namespace pfild::sys
