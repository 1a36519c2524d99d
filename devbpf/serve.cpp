// SPDX-License-Identifier: BSD-2-Clause
// See serve.h.
#include "devbpf/serve.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devbpf/loop.h"
#include "devbpf/rights.h"

namespace pfild::devbpf {
namespace {

constexpr int kNotFound = 127;
constexpr int kNotStarted = 126;
constexpr int kSignalled = 128;

tl::unexpected<core::Error> serve_failure(const char* what, const char* object, int code) {
    return core::fail({what, object, std::strerror(code), "", code}); // NOLINT(concurrency-mt-unsafe): one thread
}

/// Signals as a descriptor. They are blocked as long as it lives.
class Signals {
  public:
    Signals() {
        sigemptyset(&caught_);
        for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) {
            sigaddset(&caught_, number);
        }
        sigprocmask(SIG_BLOCK, &caught_, &before_);
        descriptor_ = client::Descriptor(::signalfd(-1, &caught_, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals() { restore(); }

    /// As they were before.
    void restore() const { sigprocmask(SIG_SETMASK, &before_, nullptr); }
    [[nodiscard]] int get() const { return descriptor_.get(); }
    /// Those that have come.
    [[nodiscard]] std::vector<signalfd_siginfo> take() const {
        std::vector<signalfd_siginfo> taken;
        signalfd_siginfo one{};
        while (::read(descriptor_.get(), &one, sizeof one) == sizeof one) {
            taken.push_back(one);
        }
        return taken;
    }

  private:
    sigset_t caught_{};
    sigset_t before_{};
    client::Descriptor descriptor_;
};

/// Serves until `heard` says that it is over, given each signal.
template <typename Heard>
core::Result<void> serve_until(client::Descriptor fuse, FileOptions options, const Signals& signals, Heard heard) {
    auto loop = Loop::make();
    if (!loop) {
        return core::fail(std::move(loop.error()));
    }
    bool ends = false;
    auto watched = loop->watch(signals.get(), EPOLLIN, [&](std::uint32_t /*events*/) {
        for (const signalfd_siginfo& signal : signals.take()) {
            ends = heard(signal) || ends;
        }
    });
    auto files = watched.and_then([&] { return FileSystem::start(std::move(fuse), std::move(options), *loop); });
    if (!files) {
        return core::fail(std::move(files.error()));
    }
    while (!ends && !(*files)->over()) {
        if (auto waited = loop->wait((*files)->patience()); !waited) {
            return waited;
        }
        (*files)->expire();
    }
    return {};
}

/// In the new process. A look at the file first: until then the kernel takes root for its owner, and lets nobody write
/// to a file whose owner is none in this user namespace. The process hears SIGTERM if its device ends before it does.
[[noreturn]] void become(const std::vector<std::string>& command) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    struct stat ignored {};
    (void)::stat("/dev/bpf", &ignored);
    std::vector<char*> words;
    words.reserve(command.size() + 1);
    for (const std::string& word : command) {
        words.push_back(const_cast<char*>(word.c_str())); // NOLINT(*-const-cast): as execvp wants it
    }
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    const int code = errno;
    std::fprintf(stderr, "pfild-devbpf: run %s: %s\n", words[0], std::strerror(code)); // NOLINT(concurrency-mt-unsafe)
    ::_exit(code == ENOENT ? kNotFound : kNotStarted);
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status); }

} // namespace

core::Result<void> serve(client::Descriptor fuse, FileOptions options) {
    if (auto given = give_up_rights(true); !given) {
        return given;
    }
    const Signals signals;
    return serve_until(std::move(fuse), std::move(options), signals, [](const signalfd_siginfo& signal) {
        return signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT;
    });
}

core::Result<int> serve_command(client::Descriptor fuse, FileOptions options, const std::vector<std::string>& command) {
    const Signals signals;
    const pid_t child = ::fork();
    if (child < 0) {
        return serve_failure("start", command[0].c_str(), errno);
    }
    if (child == 0) {
        signals.restore();
        become(command);
    }
    int status = 0;
    const auto heard = [&](const signalfd_siginfo& signal) {
        if (signal.ssi_signo == SIGCHLD) {
            return ::waitpid(child, &status, WNOHANG) == child;
        }
        if (signal.ssi_code <= 0) { // a process has sent it
            (void)::kill(child, static_cast<int>(signal.ssi_signo));
        }
        return false;
    };
    auto served =
        give_up_rights(true).and_then([&] { return serve_until(std::move(fuse), std::move(options), signals, heard); });
    if (!served) {
        (void)::kill(child, SIGTERM);
        return core::fail(std::move(served.error()));
    }
    return code_of(status);
}

} // namespace pfild::devbpf
