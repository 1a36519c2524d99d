// SPDX-License-Identifier: BSD-2-Clause
// The control thread's event loop: descriptors, timers, signals and tasks from other threads, one callback at a time.
//
// Everything but post() and stop() is called on the loop's thread. A callback may add and remove registrations, its own
// included: one that is removed is never called again, not even for an event that was read in the same batch.
//
// Ownership: a Registration removes what it stands for when it goes; it does not own the descriptor, and must go before
// the descriptor is closed and before the loop is destroyed. Timers and signals own their descriptors.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>

#include "core/error.h"

namespace pfild::sys {

class Loop;

/// Move-only handle of one descriptor, timer or set of signals in a Loop.
class Registration {
  public:
    Registration() noexcept = default;
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration() { reset(); }

    /// Removes it now. Harmless when empty, or when a one-shot timer has already fired.
    void reset() noexcept;
    /// Waits for other events from now on (EPOLLIN, EPOLLOUT...); for registrations made by Loop::add.
    [[nodiscard]] core::Result<void> set_events(std::uint32_t events);
    explicit operator bool() const noexcept { return loop_ != nullptr; }

  private:
    friend class Loop;
    Registration(Loop& loop, std::uint64_t id) noexcept : loop_(&loop), id_(id) {}

    Loop* loop_ = nullptr;
    std::uint64_t id_ = 0;
};

class Loop {
  public:
    using EventCallback = std::function<void(std::uint32_t events)>;
    using Task = std::function<void()>;
    using SignalCallback = std::function<void(int signal)>;

    [[nodiscard]] static core::Result<std::unique_ptr<Loop>> create();

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    Loop(Loop&&) = delete;
    Loop& operator=(Loop&&) = delete;
    ~Loop();

    /// Level-triggered. `events` as for epoll_ctl(2); EPOLLERR and EPOLLHUP are always reported.
    [[nodiscard]] core::Result<Registration> add(int fd, std::uint32_t events, EventCallback callback);
    /// Calls once, `after` from now; the registration is empty work from then on. Zero means: in the next round.
    [[nodiscard]] core::Result<Registration> once(std::chrono::nanoseconds after, Task task);
    /// Calls every `period` (> 0); periods missed while the loop was busy are not made up for.
    [[nodiscard]] core::Result<Registration> every(std::chrono::nanoseconds period, Task task);
    /// Blocks the signals for the calling thread, for good, and calls for each. To be done before any thread is
    /// started, so that all inherit the mask.
    [[nodiscard]] core::Result<Registration> on_signals(std::initializer_list<int> signals, SignalCallback callback);

    /// From any thread: run `task` on the loop's thread, in order of posting. What is posted after the last round of a
    /// stopped loop is destroyed with it, unrun.
    void post(Task task);

    /// Until stop(). A stop() that came before is honoured at once.
    [[nodiscard]] core::Result<void> run();
    /// Destroys what was posted and not run; from now on post() destroys at once. For the thread of a loop that will
    /// not go on, so that nobody waits for ever for what he has posted.
    void refuse_tasks() noexcept;
    /// One round: waits at most `timeout` for something to do and does what is ready.
    [[nodiscard]] core::Result<void> run_once(std::chrono::milliseconds timeout);
    /// From any thread.
    void stop() noexcept;

  private:
    friend class Registration;
    struct State;

    explicit Loop(std::unique_ptr<State> state) noexcept;
    [[nodiscard]] core::Result<Registration> timer(std::chrono::nanoseconds after, std::chrono::nanoseconds period,
                                                   Task task);
    void dispatch(std::uint64_t id, std::uint32_t events);
    void run_posted();
    void remove(std::uint64_t id) noexcept;

    std::unique_ptr<State> state_;
};

} // namespace pfild::sys
