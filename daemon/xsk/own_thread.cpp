// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/xsk/own_thread.h"

#include <algorithm>
#include <ctime>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/sys/clock.h"

namespace pfild::xsk {

// The system call and not glibc's function: it tells how many bytes the kernel's set has, so that few are looked at.
core::Processors OwnThread::allowed() noexcept {
    core::Processors processors;
    const long bytes = ::syscall(SYS_sched_getaffinity, 0, sizeof(words_), words_.data());
    const std::size_t words = bytes < 0 ? 0 : static_cast<std::size_t>(bytes) / sizeof(words_[0]);
    for (std::size_t i = 0; i < words * kWordBits; i++) {
        processors[i] = ((words_[i / kWordBits] >> (i % kWordBits)) & 1U) != 0;
    }
    return processors;
}

bool OwnThread::allow(const core::Processors& processors) noexcept {
    words_.fill(0);
    for (std::size_t i = processors._Find_first(); i < processors.size(); i = processors._Find_next(i)) {
        words_[i / kWordBits] |= 1UL << (i % kWordBits);
    }
    return ::syscall(SYS_sched_setaffinity, 0, sizeof(words_), words_.data()) == 0;
}

std::size_t OwnThread::current() noexcept {
    const int processor = ::sched_getcpu();
    return processor < 0 ? core::kMostProcessors : static_cast<std::size_t>(processor);
}

std::uint64_t OwnThread::run_ns() noexcept { return sys::now_ns(CLOCK_THREAD_CPUTIME_ID); }

void OwnThread::nap() noexcept {
    constexpr timespec kNap{.tv_sec = 0, .tv_nsec = 50'000};
    ::nanosleep(&kNap, nullptr);
}

} // namespace pfild::xsk
