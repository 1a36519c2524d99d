// SPDX-License-Identifier: BSD-2-Clause
// See mount.h.
#include "devbpf/mount.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pfild::devbpf {
namespace {

using client::Descriptor;

constexpr int kNumbered = 16; ///< /dev/bpf0 and so on, for programs that count

tl::unexpected<core::Error> mount_failure(const char* what, std::string object, int code, std::string advice = "") {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    return core::fail({what, std::move(object), std::strerror(code), std::move(advice), code});
}

core::Result<void> write_file(const char* path, const std::string& text) {
    const Descriptor file(::open(path, O_WRONLY | O_CLOEXEC));
    if (!file.valid() || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return mount_failure("write", path, errno);
    }
    return {};
}

std::string to_itself(unsigned id) { return std::to_string(id) + ' ' + std::to_string(id) + " 1"; }

core::Result<void> enter_namespaces() {
    if (::unshare(CLONE_NEWNS) == 0) {
        return {};
    }
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (errno != EPERM || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return mount_failure("make", "a mount namespace", errno,
                             "without root it needs user namespaces: kernel.unprivileged_userns_clone, "
                             "user.max_user_namespaces");
    }
    return write_file("/proc/self/setgroups", "deny")
        .and_then([&] { return write_file("/proc/self/uid_map", to_itself(user)); })
        .and_then([&] { return write_file("/proc/self/gid_map", to_itself(group)); });
}

bool is_ours(std::string_view name) {
    return name.substr(0, 3) == "bpf" &&
           std::all_of(name.begin() + 3, name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool make_file(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return file.valid();
}

/// Of the folder `old`, the entry `name` as /dev/NAME. An entry that has gone meanwhile is left out.
core::Result<void> bring(const Descriptor& old, const std::string& name) {
    const std::string source = "/proc/self/fd/" + std::to_string(old.get()) + '/' + name;
    const std::string path = "/dev/" + name;
    struct stat status {};
    if (::fstatat(old.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? core::Result<void>() : mount_failure("look at", path, errno);
    }
    bool done = false;
    if (S_ISLNK(status.st_mode)) {
        std::array<char, PATH_MAX> target{};
        done = ::readlinkat(old.get(), name.c_str(), target.data(), target.size() - 1) > 0 &&
               ::symlink(target.data(), path.c_str()) == 0;
    } else {
        const bool made = S_ISDIR(status.st_mode) ? ::mkdir(path.c_str(), 0700) == 0 : make_file(path);
        done = made && ::mount(source.c_str(), path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
    }
    return done || errno == ENOENT ? core::Result<void>() : mount_failure("bind", path, errno);
}

core::Result<void> bring_all(const Descriptor& old) {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(::openat(old.get(), ".", O_RDONLY | O_CLOEXEC)),
                                                     ::closedir);
    if (folder == nullptr) {
        return mount_failure("read", "/dev", errno);
    }
    while (const dirent* const entry = ::readdir(folder.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        const std::string name = entry->d_name;
        if (name == "." || name == ".." || is_ours(name)) {
            continue;
        }
        if (auto brought = bring(old, name); !brought) {
            return brought;
        }
    }
    return {};
}

core::Result<void> make_device_files() {
    if (!make_file("/dev/bpf")) {
        return mount_failure("make", "/dev/bpf", errno);
    }
    for (int i = 0; i < kNumbered; ++i) {
        const std::string path = "/dev/bpf" + std::to_string(i);
        if (::symlink("bpf", path.c_str()) != 0) {
            return mount_failure("make", path, errno);
        }
    }
    return {};
}

} // namespace

core::Result<client::Descriptor> mount_device(const std::string& path, uid_t owner, gid_t group, mode_t mode) {
    Descriptor fuse(::open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!fuse.valid()) {
        return mount_failure("open", "/dev/fuse", errno,
                             errno == EACCES ? "udev makes it mode 0666, for all users" : "modprobe fuse");
    }
    std::array<char, 128> options{};
    (void)std::snprintf(options.data(), options.size(),
                        "fd=%d,rootmode=%o,user_id=%u,group_id=%u,allow_other,default_permissions", fuse.get(),
                        S_IFREG | mode, owner, group);
    if (::mount("pfild", path.c_str(), "fuse.pfild", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, options.data()) !=
        0) {
        return mount_failure("mount", path, errno);
    }
    return fuse;
}

core::Result<void> enter_private_dev() {
    if (auto entered = enter_namespaces(); !entered) {
        return entered;
    }
    const Descriptor old(::open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!old.valid() || ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0 ||
        ::mount("pfild", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755") != 0) {
        return mount_failure("make", "a /dev of its own", errno);
    }
    return bring_all(old).and_then(make_device_files);
}

} // namespace pfild::devbpf
