// SPDX-License-Identifier: BSD-2-Clause
// See daemon/guard/processes.h.
#include "daemon/guard/processes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/sys/fd.h"

namespace pfild::guard {
namespace {

using Pid = std::uint32_t;
using Terminal = std::uint32_t; ///< the number of a /dev/pts

constexpr std::size_t kMostProcesses = 512; ///< of an ancestry
constexpr Pid kInit = 1;

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// The part between a prefix and a suffix; nothing if the text is not so.
std::optional<std::string_view> between(std::string_view text, std::string_view before, std::string_view after) {
    if (text.size() < before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after)) {
        return std::nullopt;
    }
    return text.substr(before.size(), text.size() - before.size() - after.size());
}

/// The terminal that a device number means. The kernel writes it so: minor's lower byte, major, the rest of minor.
std::optional<Terminal> terminal_of(std::uint32_t device) {
    constexpr std::uint32_t kFirstMajor = 136; // of /dev/pts
    constexpr std::uint32_t kMajors = 8;
    const std::uint32_t major = (device >> 8U) & 0xfffU;
    const std::uint32_t minor = (device & 0xffU) | ((device >> 12U) & 0xfff00U);
    return major >= kFirstMajor && major < kFirstMajor + kMajors ? std::optional((major - kFirstMajor) * 256 + minor)
                                                                 : std::nullopt;
}

struct Status {
    std::string name;
    Pid parent = 0;
    std::optional<Terminal> terminal; ///< that controls it
};

/// `12 (a name) S parent group session terminal ..`
std::optional<Status> status_in(std::string_view line) {
    const std::size_t open = line.find('(');
    const std::size_t close = line.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
        return std::nullopt;
    }
    Status status{.name = std::string(line.substr(open + 1, close - open - 1))};
    std::vector<std::string_view> words;
    for (std::size_t at = line.find_first_not_of(' ', close + 1); at < line.size() && words.size() < 5;) {
        const std::size_t end = line.find(' ', at);
        words.push_back(line.substr(at, end - at));
        at = end == std::string_view::npos ? line.size() : end + 1;
    }
    if (words.size() < 5) {
        return std::nullopt;
    }
    status.parent = number_in<Pid>(words[1]).value_or(0);
    status.terminal = terminal_of(number_in<std::uint32_t>(words[4]).value_or(0));
    return status;
}

struct DirectoryCloser {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, DirectoryCloser>;

template <typename Visit>
void each_name(DIR* directory, Visit&& visit) {
    while (const dirent* const entry =
               directory == nullptr ? nullptr : ::readdir(directory)) { // NOLINT(concurrency-mt-unsafe)
        visit(std::string_view(static_cast<const char*>(entry->d_name)));
    }
}

/// The folder of one process. It stays that of this process: when that is no more, nothing can be read.
class Process {
  public:
    Process(const std::string& root, Pid pid)
        : folder_(::open((root + '/' + std::to_string(pid)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

    [[nodiscard]] std::optional<Status> status() const {
        const sys::Fd file(::openat(folder_.get(), "stat", O_RDONLY | O_CLOEXEC));
        std::array<char, 1024> bytes{};
        const ssize_t count = file ? ::read(file.get(), bytes.data(), bytes.size()) : -1;
        return count > 0 ? status_in({bytes.data(), static_cast<std::size_t>(count)}) : std::nullopt;
    }

    struct Open {
        Inodes sockets;
        std::set<Terminal> terminals;
    };
    [[nodiscard]] Open open_files() const {
        Open open;
        const int files = ::openat(folder_.get(), "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const Directory directory(files < 0 ? nullptr : ::fdopendir(files));
        each_name(directory.get(), [&](std::string_view name) {
            std::array<char, PATH_MAX> bytes{};
            const ssize_t count = ::readlinkat(files, name.data(), bytes.data(), bytes.size()); // NOLINT: ends with 0
            const std::string_view target(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
            if (const auto inode = between(target, "socket:[", "]")) {
                open.sockets.insert(number_in<std::uint64_t>(*inode).value_or(0));
            } else if (const auto terminal = between(target, "/dev/pts/", "")) {
                if (const auto number = number_in<Terminal>(*terminal)) {
                    open.terminals.insert(*number);
                }
            }
        });
        return open;
    }

  private:
    sys::Fd folder_;
};

template <typename Visit>
void each_process(const std::string& root, Visit&& visit) {
    const Directory all(::opendir(root.c_str()));
    each_name(all.get(), [&](std::string_view name) {
        if (const auto pid = number_in<Pid>(name)) {
            visit(*pid);
        }
    });
}

/// Goes from child to parent, and over to those at a terminal.
class Ancestry {
  public:
    explicit Ancestry(const std::string& root) : root_(root) {}

    void begin(Pid pid, const std::function<bool()>& lives) {
        auto process = std::make_unique<Process>(root_, pid);
        if (const auto status = process->status();
            status && lives()) { // so the folder is that of the one that is meant
            climb(std::move(process), *status, pid);
        }
        while (!terminals_.empty() && seen_.size() < kMostProcesses) {
            const std::set<Terminal> wanted = std::exchange(terminals_, {});
            each_process(root_, [&](Pid one) {
                auto at_it = std::make_unique<Process>(root_, one);
                const auto status = at_it->status();
                if (status && status->terminal && wanted.contains(*status->terminal)) {
                    climb(std::move(at_it), *status, one);
                }
            });
        }
    }

    [[nodiscard]] Inodes&& sockets() { return std::move(sockets_); }

  private:
    void climb(std::unique_ptr<Process> child, const Status& status, Pid pid) {
        take(*child, status, pid);
        Pid parent = status.parent;
        while (parent != 0 && !seen_.contains(parent) && seen_.size() < kMostProcesses) {
            auto next = std::make_unique<Process>(root_, parent);
            const auto its = next->status();
            const auto still = child->status();
            if (!its || !still) {
                return;
            }
            if (still->parent != parent) { // it has got another one meanwhile
                parent = still->parent;
                continue;
            }
            take(*next, *its, parent);
            child = std::move(next);
            parent = its->parent;
        }
    }

    void take(const Process& process, const Status& status, Pid pid) {
        if (!seen_.insert(pid).second) {
            return;
        }
        Process::Open open = process.open_files();
        sockets_.merge(open.sockets);
        if (pid == kInit) {
            return; // it may have a terminal that is not the caller's
        }
        for (const Terminal terminal : open.terminals) {
            if (terminal != status.terminal && looked_at_.insert(terminal).second) {
                terminals_.insert(terminal);
            }
        }
    }

    const std::string& root_;
    std::set<Pid> seen_;
    std::set<Terminal> looked_at_;
    std::set<Terminal> terminals_; ///< to be looked at
    Inodes sockets_;
};

} // namespace

Inodes Processes::sockets_of_ancestry(std::uint32_t pid, const std::function<bool()>& lives) const {
    Ancestry ancestry(root_);
    if (pid != 0) {
        ancestry.begin(pid, lives);
    }
    return ancestry.sockets();
}

Inodes Processes::sockets_beside(const Inodes& sockets) const {
    Inodes all;
    each_process(root_, [&](Pid pid) {
        Inodes open = pid == kInit ? Inodes() : Process(root_, pid).open_files().sockets;
        const auto is_meant = [&](std::uint64_t inode) { return open.contains(inode); };
        if (std::any_of(sockets.begin(), sockets.end(), is_meant)) {
            all.merge(open);
        }
    });
    return all;
}

Inodes Processes::sockets_of_named(std::string_view name) const {
    Inodes sockets;
    each_process(root_, [&](Pid pid) {
        const Process process(root_, pid);
        const auto status = process.status();
        const bool meant = status && (status->name == name || status->name.starts_with(std::string(name) + '-'));
        if (meant) {
            sockets.merge(process.open_files().sockets);
        }
    });
    return sockets;
}

} // namespace pfild::guard
