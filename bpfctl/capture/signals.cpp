// SPDX-License-Identifier: BSD-2-Clause
// See signals.h.
#include "bpfctl/capture/signals.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <sys/signalfd.h>
#include <unistd.h>

namespace pfild::bpfctl {
namespace {

constexpr std::array kObeyed{SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

/// A blocked signal comes to the descriptor even where the process ignores it.
sigset_t obeyed_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : kObeyed) {
        struct sigaction now {};
        if (signal != SIGHUP || (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN)) {
            sigaddset(&signals, signal);
        }
    }
    return signals;
}

} // namespace

core::Result<Signals> Signals::block() {
    sigset_t blocked = obeyed_signals();
    client::Descriptor descriptor(signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor.valid()) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
        return core::fail({"watch signals", "", std::strerror(errno), "", errno});
    }
    sigaddset(&blocked, SIGPIPE);
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    return Signals(std::move(descriptor), before);
}

/// What came while the signals were blocked has been obeyed; unblocked it would end the process.
Signals::~Signals() {
    if (!descriptor_.valid()) {
        return; // moved from
    }
    sigset_t pending;
    sigemptyset(&pending);
    sigaddset(&pending, SIGPIPE);
    for (const int signal : kObeyed) {
        sigaddset(&pending, signal);
    }
    for (int signal = 1; signal < NSIG; ++signal) {
        if (sigismember(&before_, signal) == 1) {
            sigdelset(&pending, signal);
        }
    }
    const timespec at_once{};
    while (sigtimedwait(&pending, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Wishes Signals::take() {
    Wishes wishes;
    signalfd_siginfo came{};
    while (read(descriptor_.get(), &came, sizeof came) == sizeof came) {
        wishes.statistics = wishes.statistics || came.ssi_signo == SIGUSR1;
        wishes.flush = wishes.flush || came.ssi_signo == SIGUSR2;
        end_ = end_ || (came.ssi_signo != SIGUSR1 && came.ssi_signo != SIGUSR2);
    }
    wishes.end = end_;
    return wishes;
}

} // namespace pfild::bpfctl
