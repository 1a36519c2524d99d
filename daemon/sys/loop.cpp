// SPDX-License-Identifier: BSD-2-Clause
// epoll, timerfd, signalfd and eventfd behind daemon/sys/loop.h. Each registration has a number that is never used
// again; epoll carries the number, so an event of a registration removed meanwhile finds nothing and is dropped.
#include "daemon/sys/loop.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "daemon/sys/failure.h"
#include "daemon/sys/fd.h"

namespace pfild::sys {
namespace {

constexpr std::uint64_t kWakeId = 0;

timespec to_timespec(std::chrono::nanoseconds value) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(value);
    return {static_cast<time_t>(seconds.count()), static_cast<long>((value - seconds).count())};
}

core::Result<void> control(int epoll, int operation, int fd, std::uint32_t events, std::uint64_t id) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    if (::epoll_ctl(epoll, operation, fd, &event) != 0) {
        return failed("wait for descriptor", std::to_string(fd), errno);
    }
    return {};
}

} // namespace

struct Loop::State {
    struct Entry {
        int fd = -1;
        Fd owned; ///< timers and signals; invalid for descriptors of others
        EventCallback callback;
    };

    Fd epoll;
    Fd wake;
    std::uint64_t next_id = kWakeId + 1;
    std::unordered_map<std::uint64_t, std::unique_ptr<Entry>> entries;
    std::vector<std::unique_ptr<Entry>> removed; ///< kept until their callback cannot be running any more
    unsigned depth = 0;                          ///< rounds on the stack
    std::atomic<bool> stopping = false;
    std::mutex posted_lock; ///< guards these two only
    std::vector<Task> posted;
    bool refusing = false;

    core::Result<std::uint64_t> insert(std::unique_ptr<Entry> entry, std::uint32_t events) {
        const std::uint64_t id = next_id++;
        auto added = control(epoll.get(), EPOLL_CTL_ADD, entry->fd, events, id);
        if (!added) {
            return tl::make_unexpected(std::move(added.error()));
        }
        entries.emplace(id, std::move(entry));
        return id;
    }
};

Registration::Registration(Registration&& other) noexcept
    : loop_(std::exchange(other.loop_, nullptr)), id_(other.id_) {}

Registration& Registration::operator=(Registration&& other) noexcept {
    if (this != &other) {
        reset();
        loop_ = std::exchange(other.loop_, nullptr);
        id_ = other.id_;
    }
    return *this;
}

void Registration::reset() noexcept {
    if (Loop* const loop = std::exchange(loop_, nullptr)) {
        loop->remove(id_);
    }
}

core::Result<void> Registration::set_events(std::uint32_t events) {
    if (loop_ == nullptr) {
        return failed("wait for other events", "", EBADF);
    }
    const auto found = loop_->state_->entries.find(id_);
    if (found == loop_->state_->entries.end()) {
        return failed("wait for other events", "", EBADF);
    }
    return control(loop_->state_->epoll.get(), EPOLL_CTL_MOD, found->second->fd, events, id_);
}

Loop::Loop(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

Loop::~Loop() = default;

core::Result<std::unique_ptr<Loop>> Loop::create() {
    auto state = std::make_unique<State>();
    state->epoll.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!state->epoll) {
        return failed("make an event loop", "epoll", errno);
    }
    state->wake.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!state->wake) {
        return failed("make an event loop", "eventfd", errno);
    }
    auto added = control(state->epoll.get(), EPOLL_CTL_ADD, state->wake.get(), EPOLLIN, kWakeId);
    if (!added) {
        return tl::make_unexpected(std::move(added.error()));
    }
    return std::unique_ptr<Loop>(new Loop(std::move(state)));
}

core::Result<Registration> Loop::add(int fd, std::uint32_t events, EventCallback callback) {
    auto entry = std::make_unique<State::Entry>();
    entry->fd = fd;
    entry->callback = std::move(callback);
    return state_->insert(std::move(entry), events).map([this](std::uint64_t id) { return Registration(*this, id); });
}

core::Result<Registration> Loop::once(std::chrono::nanoseconds after, Task task) {
    return timer(after, std::chrono::nanoseconds::zero(), std::move(task));
}

core::Result<Registration> Loop::every(std::chrono::nanoseconds period, Task task) {
    if (period <= std::chrono::nanoseconds::zero()) {
        return failed("make a timer", "period", EINVAL);
    }
    return timer(period, period, std::move(task));
}

core::Result<Registration> Loop::timer(std::chrono::nanoseconds after, std::chrono::nanoseconds period, Task task) {
    Fd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd) {
        return failed("make a timer", "timerfd", errno);
    }
    itimerspec when{};
    when.it_value = to_timespec(std::max(after, std::chrono::nanoseconds(1))); // zero would disarm it
    when.it_interval = to_timespec(period);
    if (::timerfd_settime(fd.get(), 0, &when, nullptr) != 0) {
        return failed("set a timer", "timerfd", errno);
    }
    auto entry = std::make_unique<State::Entry>();
    entry->fd = fd.get();
    entry->owned = std::move(fd);
    const bool one_shot = period == std::chrono::nanoseconds::zero();
    const std::uint64_t id = state_->next_id; // what insert() will give it
    entry->callback = [this, id, one_shot, timer_fd = entry->fd, task = std::move(task)](std::uint32_t) {
        std::uint64_t expirations = 0;
        if (::read(timer_fd, &expirations, sizeof expirations) != sizeof expirations) {
            return; // EAGAIN: not due after all
        }
        if (one_shot) {
            remove(id);
        }
        task();
    };
    return state_->insert(std::move(entry), EPOLLIN).map([this](std::uint64_t given) {
        return Registration(*this, given);
    });
}

core::Result<Registration> Loop::on_signals(std::initializer_list<int> signals, SignalCallback callback) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) {
        if (sigaddset(&set, signal) != 0) {
            return failed("watch signal", std::to_string(signal), EINVAL);
        }
    }
    if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
        return failed("block signals", "", error);
    }
    auto entry = std::make_unique<State::Entry>();
    entry->owned.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!entry->owned) {
        return failed("watch signals", "signalfd", errno);
    }
    entry->fd = entry->owned.get();
    entry->callback = [fd = entry->fd, callback = std::move(callback)](std::uint32_t) {
        signalfd_siginfo info{};
        if (::read(fd, &info, sizeof info) == sizeof info) {
            callback(static_cast<int>(info.ssi_signo));
        }
    };
    return state_->insert(std::move(entry), EPOLLIN).map([this](std::uint64_t id) { return Registration(*this, id); });
}

void Loop::post(Task task) {
    {
        const std::lock_guard lock(state_->posted_lock);
        if (state_->refusing) {
            return;
        }
        state_->posted.push_back(std::move(task));
    }
    const std::uint64_t one = 1;
    (void)!::write(state_->wake.get(), &one, sizeof one); // EAGAIN means that it is awake anyway
}

void Loop::refuse_tasks() noexcept {
    std::vector<Task> unrun;
    {
        const std::lock_guard lock(state_->posted_lock);
        state_->refusing = true;
        unrun.swap(state_->posted);
    }
}

void Loop::stop() noexcept {
    state_->stopping.store(true);
    const std::uint64_t one = 1;
    (void)!::write(state_->wake.get(), &one, sizeof one);
}

core::Result<void> Loop::run() {
    while (!state_->stopping.load()) {
        auto round = run_once(std::chrono::milliseconds(-1));
        if (!round) {
            return round;
        }
    }
    state_->stopping.store(false);
    return {};
}

core::Result<void> Loop::run_once(std::chrono::milliseconds timeout) {
    constexpr int kBatch = 64;
    std::array<epoll_event, kBatch> events{};
    const int count = ::epoll_wait(state_->epoll.get(), events.data(), kBatch, static_cast<int>(timeout.count()));
    if (count < 0) {
        if (errno == EINTR) {
            return {};
        }
        return failed("wait for events", "epoll", errno);
    }
    ++state_->depth;
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events.at(static_cast<std::size_t>(i));
        dispatch(event.data.u64, event.events);
    }
    if (--state_->depth == 0) {
        const auto dead = std::exchange(state_->removed, {}); // their destructors may remove others
    }
    return {};
}

void Loop::dispatch(std::uint64_t id, std::uint32_t events) {
    if (id == kWakeId) {
        run_posted();
        return;
    }
    const auto found = state_->entries.find(id);
    if (found != state_->entries.end()) {
        State::Entry& entry = *found->second; // stays alive in `removed` if the callback removes itself
        entry.callback(events);
    }
}

void Loop::run_posted() {
    std::uint64_t count = 0;
    (void)!::read(state_->wake.get(), &count, sizeof count);
    std::vector<Task> tasks;
    {
        const std::lock_guard lock(state_->posted_lock);
        tasks.swap(state_->posted);
    }
    for (const Task& task : tasks) {
        task();
    }
}

void Loop::remove(std::uint64_t id) noexcept {
    auto node = state_->entries.extract(id);
    if (node.empty()) {
        return;
    }
    std::unique_ptr<State::Entry> entry = std::move(node.mapped());
    (void)control(state_->epoll.get(), EPOLL_CTL_DEL, entry->fd, 0, id);
    if (state_->depth > 0) {
        state_->removed.push_back(std::move(entry));
    }
}

} // namespace pfild::sys
