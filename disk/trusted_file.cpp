// SPDX-License-Identifier: BSD-2-Clause
// See disk/trusted_file.h.
#include "disk/trusted_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::disk {
namespace {

constexpr const char* kWhat = "read";
constexpr off_t kMaxFileSize = 16 << 20;
constexpr int kMaxSymlinks = 40; // as the kernel

bool is_root(uid_t user) { return user == 0 || user == ::geteuid(); }

/// Whether anybody but root may write; root's own group is root.
bool others_write(const struct stat& status) {
    return (status.st_mode & S_IWOTH) != 0 || ((status.st_mode & S_IWGRP) != 0 && status.st_gid != 0);
}

/// Walks a path from the root folder or the current one.
class Walk {
  public:
    explicit Walk(const std::string& path) : path_(path) { push(path); }

    /// What the path leads to, opened with O_PATH and checked.
    [[nodiscard]] core::Result<sys::Fd> end() {
        sys::Fd at(::open(path_.front() == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!at) {
            return sys::failed(kWhat, path_, errno);
        }
        for (name_ = path_.front() == '/' ? "/" : "."; !rest_.empty();) {
            if (auto checked = check(at.get(), true); !checked) {
                return core::fail(std::move(checked.error()));
            }
            name_ = std::move(rest_.front());
            rest_.pop_front();
            sys::Fd next(::openat(at.get(), name_.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
            if (!next) {
                return sys::failed(kWhat, path_, errno);
            }
            auto link = follow(next.get(), at);
            if (!link) {
                return core::fail(std::move(link.error()));
            }
            if (!*link) {
                at = std::move(next);
            }
        }
        return at;
    }

    /// Of what is open as `fd`: that only root can have made it so.
    [[nodiscard]] core::Result<void> check(int fd, bool sticky_will_do) const {
        struct stat status {};
        if (::fstat(fd, &status) != 0) {
            return sys::failed(kWhat, path_, errno);
        }
        if (!is_root(status.st_uid)) {
            return refuse("belongs to user " + std::to_string(status.st_uid), "`chown root` it");
        }
        const bool sticky = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
        if (others_write(status) && !(sticky && sticky_will_do)) {
            return refuse("can be written by others than root", "`chmod go-w` it");
        }
        return {};
    }

  private:
    void push(std::string_view path) {
        std::deque<std::string> names;
        for (std::size_t begin = 0; begin < path.size();) {
            const std::size_t end = std::min(path.find('/', begin), path.size());
            if (end != begin) {
                names.emplace_back(path.substr(begin, end - begin));
            }
            begin = end + 1;
        }
        rest_.insert(rest_.begin(), names.begin(), names.end());
    }

    /// True: it is a symlink, where it leads to is what comes next, and `at` may be the root folder now.
    [[nodiscard]] core::Result<bool> follow(int fd, sys::Fd& at) {
        struct stat status {};
        if (::fstat(fd, &status) != 0) {
            return sys::failed(kWhat, path_, errno);
        }
        if (!S_ISLNK(status.st_mode)) {
            return false;
        }
        if (!is_root(status.st_uid)) {
            return refuse("is a symlink of user " + std::to_string(status.st_uid), "name the file itself");
        }
        std::array<char, PATH_MAX> target{};
        const ssize_t length = ::readlinkat(fd, "", target.data(), target.size());
        if (length <= 0 || ++symlinks_ > kMaxSymlinks) {
            return sys::failed(kWhat, path_, length <= 0 ? errno : ELOOP);
        }
        const std::string_view leads_to(target.data(), static_cast<std::size_t>(length));
        push(leads_to);
        if (leads_to.front() == '/') {
            at = sys::Fd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        }
        return true;
    }

    [[nodiscard]] tl::unexpected<core::Error> refuse(const std::string& why, std::string advice) const {
        const bool itself = rest_.empty();
        return core::fail(
            {kWhat, path_, (itself ? "it " : "'" + name_ + "' on the way to it ") + why, std::move(advice), EACCES});
    }

    std::string path_;
    std::deque<std::string> rest_;
    std::string name_; ///< of what was reached last
    int symlinks_ = 0;
};

core::Result<sys::Fd> open_trusted(const std::string& path, int flags) {
    if (path.empty()) {
        return sys::failed(kWhat, "''", ENOENT);
    }
    Walk walk(path);
    auto end = walk.end();
    if (!end) {
        return core::fail(std::move(end.error()));
    }
    // What O_PATH has found is opened itself, not once more by its name.
    sys::Fd file(
        ::open(("/proc/self/fd/" + std::to_string(end->get())).c_str(), flags | O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file) {
        return sys::failed(kWhat, path, errno);
    }
    if (auto checked = walk.check(file.get(), false); !checked) {
        return core::fail(std::move(checked.error()));
    }
    return file;
}

struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

} // namespace

core::Result<std::string> read_trusted_file(const std::string& path) {
    auto file = open_trusted(path, O_NOCTTY);
    if (!file) {
        return core::fail(std::move(file.error()));
    }
    struct stat status {};
    if (::fstat(file->get(), &status) != 0) {
        return sys::failed(kWhat, path, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return core::fail({kWhat, path, "it is no regular file", "", EINVAL});
    }
    std::string content;
    std::array<char, 65536> piece{};
    for (;;) {
        const ssize_t count = ::read(file->get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return sys::failed(kWhat, path, errno);
        }
        if (count == 0) {
            return content;
        }
        content.append(piece.data(), static_cast<std::size_t>(count));
        if (content.size() > static_cast<std::size_t>(kMaxFileSize)) {
            return sys::failed(kWhat, path, EFBIG);
        }
    }
}

core::Result<std::vector<std::string>> trusted_names(const std::string& folder, const std::string& suffix) {
    auto file = open_trusted(folder, O_DIRECTORY);
    if (!file && file.error().code == ENOENT) {
        return std::vector<std::string>{};
    }
    if (!file) {
        return core::fail(std::move(file.error()));
    }
    const std::unique_ptr<DIR, CloseFolder> listing(::fdopendir(::dup(file->get())));
    if (!listing) {
        return sys::failed(kWhat, folder, errno);
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* const entry = ::readdir(listing.get())) { // NOLINT(concurrency-mt-unsafe): a stream of its own
        const std::string name = &entry->d_name[0];
        if (name.front() != '.' && name.size() > suffix.size() && name.ends_with(suffix)) {
            names.push_back(name);
        }
    }
    if (errno != 0) {
        return sys::failed(kWhat, folder, errno);
    }
    std::sort(names.begin(), names.end());
    return names;
}

} // namespace pfild::disk
