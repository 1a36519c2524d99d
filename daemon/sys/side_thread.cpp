// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/sys/side_thread.h"

#include <utility>

namespace pfild::sys {

SideThread::SideThread() : thread_([this] { work(); }) {}

SideThread::~SideThread() {
    {
        const std::lock_guard guard(lock_);
        ends_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void SideThread::run(Work work) {
    {
        const std::lock_guard guard(lock_);
        waiting_.push_back(std::move(work));
    }
    changed_.notify_all();
}

void SideThread::wait() {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return waiting_.empty() && !is_busy_; });
}

void SideThread::work() {
    std::unique_lock guard(lock_);
    while (true) {
        changed_.wait(guard, [this] { return ends_ || !waiting_.empty(); });
        if (waiting_.empty()) {
            return;
        }
        Work next = std::move(waiting_.front());
        waiting_.pop_front();
        is_busy_ = true;
        guard.unlock();
        next();
        next = nullptr; // what it holds goes before wait() returns
        guard.lock();
        is_busy_ = false;
        changed_.notify_all();
    }
}

} // namespace pfild::sys
