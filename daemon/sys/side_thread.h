// SPDX-License-Identifier: BSD-2-Clause
// A thread for work that waits long in the kernel, so that a loop does not: one piece after another.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace pfild::sys {

class SideThread {
  public:
    using Work = std::function<void()>;

    SideThread();
    SideThread(const SideThread&) = delete;
    SideThread& operator=(const SideThread&) = delete;
    SideThread(SideThread&&) = delete;
    SideThread& operator=(SideThread&&) = delete;
    /// All that was given to it is done before.
    ~SideThread();

    /// From any thread. What work leaves for a loop it posts there itself.
    void run(Work work);
    /// Returns when all is done that was given to it.
    void wait();

  private:
    void work();

    std::mutex lock_; ///< guards all but the thread
    std::condition_variable changed_;
    std::deque<Work> waiting_;
    bool is_busy_ = false;
    bool ends_ = false;
    std::thread thread_;
};

} // namespace pfild::sys
