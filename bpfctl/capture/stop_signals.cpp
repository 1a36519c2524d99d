// SPDX-License-Identifier: BSD-2-Clause
// See stop_signals.h.
#include "bpfctl/capture/stop_signals.h"

#include <cerrno>
#include <cstring>
#include <ctime>

#include <sys/signalfd.h>

namespace pfild::bpfctl {
namespace {

sigset_t set_of_stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction now {};
        if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) {
            sigaddset(&signals, signal);
        }
    }
    return signals;
}

} // namespace

core::Result<StopSignals> StopSignals::block() {
    const sigset_t stop = set_of_stop_signals();
    client::Descriptor descriptor(signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor.valid()) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
        return core::fail({"watch signals", "", std::strerror(errno), "", errno});
    }
    sigset_t blocked = stop;
    sigaddset(&blocked, SIGPIPE);
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    return StopSignals(std::move(descriptor), before);
}

/// What came while the signals were blocked has been obeyed; unblocked it would end the process.
StopSignals::~StopSignals() {
    if (!descriptor_.valid()) {
        return; // moved from
    }
    sigset_t pending;
    sigemptyset(&pending);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
        if (sigismember(&before_, signal) == 0) {
            sigaddset(&pending, signal);
        }
    }
    const timespec at_once{};
    while (sigtimedwait(&pending, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace pfild::bpfctl
