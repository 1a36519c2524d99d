// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/xsk/engine_thread.h"

#include <algorithm>
#include <cerrno>

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "daemon/sys/clock.h"
#include "daemon/sys/failure.h"

namespace pfild::xsk {
namespace {

// Packets arrive whether the engine runs or not, and a socket holds 40 ms of 100 kpps: among busy processes the engine
// must come first. It stays a fair one: a flood takes most of one processor, never all of it.
constexpr int kEngineNice = -10;

constexpr int kForever = -1; // ms

} // namespace

std::uint64_t now_ns() { return sys::now_ns(CLOCK_MONOTONIC_COARSE); }

core::Result<std::unique_ptr<EngineThread>>
EngineThread::start(Umem& umem, core::Publication& rules, core::FlowTable* flows, core::OddPackets odd, __u64& told) {
    std::unique_ptr<EngineThread> self(new EngineThread(umem, rules, flows, odd, told));
    self->wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!self->wake_) {
        return sys::failed("create the engine's wake-up", "", errno);
    }
    self->polled_.push_back({.fd = self->wake_.get(), .events = POLLIN, .revents = 0});
    self->thread_ = std::thread([engine = self.get()] { engine->run(); });
    ::pthread_setname_np(self->thread_.native_handle(), "pfild-engine");
    return self;
}

EngineThread::~EngineThread() {
    if (thread_.joinable()) {
        command([this] { stop_.store(true, std::memory_order_relaxed); });
        thread_.join();
    }
}

bool EngineThread::has_buffers_for(std::size_t more) const {
    return core::BufferShares::enough(umem_.pool().counts().total,
                                      socket_count_.load(std::memory_order_relaxed) + more);
}

// After a change of `sockets_`.
void EngineThread::rebuild() {
    all_.clear();
    for (auto& [slot, of_interface] : sockets_) {
        all_.push_back(of_interface.p);
        all_.push_back(of_interface.q);
        all_.insert(all_.end(), of_interface.queues.begin(), of_interface.queues.end());
    }
    socket_count_.store(all_.size(), std::memory_order_relaxed);
    polled_.resize(1); // the wake-up
    umem_.shares().set_sockets(all_.size());
    const auto is_new = [](const Socket* socket) { return !socket->primed(); };
    const auto fresh = static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), is_new));
    const std::uint32_t each = umem_.shares().beginning(fresh);
    for (Socket* socket : all_) {
        polled_.push_back({.fd = socket->fd(), .events = POLLIN, .revents = 0});
        if (is_new(socket)) {
            socket->prime(each);
        }
    }
}

void EngineThread::share_buffers(std::uint64_t now) {
    if (now < window_end_) {
        return;
    }
    window_end_ = now + core::BufferShares::kWindowNs;
    std::size_t busy = 0;
    for (Socket* socket : all_) {
        busy += socket->end_window() ? 1U : 0U;
    }
    umem_.shares().set_busy(busy);
}

void EngineThread::add(std::uint8_t slot, std::uint32_t ifindex, Socket& p, Socket& q) {
    command([&, slot, ifindex] {
        sockets_[slot] = {.p = &p, .q = &q, .queues = {}};
        rebuild();
        engine_.add({.slot = slot, .ifindex = ifindex, .p = &p, .q = &q, .queues = {}});
    });
}

void EngineThread::set_queues(std::uint8_t slot, const std::vector<Socket*>& queues, bool complete_checksums) {
    command([&, slot, complete_checksums] {
        const auto found = sockets_.find(slot);
        if (found == sockets_.end()) {
            return;
        }
        found->second.queues = queues;
        rebuild();
        engine_.set_queues(slot, {queues.begin(), queues.end()}, complete_checksums);
    });
}

void EngineThread::remove(std::uint8_t slot) {
    command([this, slot] {
        engine_.remove(slot);
        sockets_.erase(slot);
        rebuild();
    });
}

void EngineThread::suspect(std::uint8_t slot, core::Direction direction, bool circling) {
    command([this, slot, direction, circling] { engine_.suspect(slot, direction, circling); });
}

std::size_t EngineThread::forget_flows(std::optional<std::uint32_t> ifindex) {
    constexpr std::size_t kAtOnce = 8192; // slots; packets are carried in between
    std::size_t forgotten = 0;
    const std::size_t slots = flows_ != nullptr ? flows_->capacity() : 0;
    for (std::size_t from = 0; from < slots; from += kAtOnce) {
        command([&] {
            forgotten +=
                flows_->remove_if([&](const core::FlowKey& key) { return !ifindex || key.ifindex == *ifindex; },
                                  now_ns(), {from, from + kAtOnce});
        });
    }
    return forgotten;
}

void EngineThread::reclaim(Socket& socket) {
    command([&socket] { socket.reclaim(); });
}

void EngineThread::command(std::function<void()> work) {
    std::packaged_task<void()> task(std::move(work));
    std::future<void> done = task.get_future();
    {
        const std::lock_guard lock(mutex_);
        commands_.push_back(std::move(task));
    }
    commanded_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one)); // full means awake already
    done.wait();
}

void EngineThread::run_commands() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t read_bytes = ::read(wake_.get(), &count, sizeof(count));
    std::vector<std::packaged_task<void()>> work;
    {
        const std::lock_guard lock(mutex_);
        work.swap(commands_);
    }
    for (auto& task : work) {
        task();
    }
}

void EngineThread::run() {
    ::setpriority(PRIO_PROCESS, 0, kEngineNice); // this thread only; where it is not allowed, packets wait as others do
    while (!stop_.load(std::memory_order_relaxed)) {
        heart_.beat();
        if (commanded_.exchange(false, std::memory_order_acquire)) {
            run_commands();
            continue; // one of them may have been the last: no sleep before that is known
        }
        rounds_.store(rounds_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        const std::uint64_t now = now_ns();
        share_buffers(now);
        const bool idle = engine_.round(now) == 0;
        if (home_.starved(now, !idle)) {
            move_on();
        }
        const bool busy_ageing = flows_ != nullptr && flows_->age(now_ns());
        if (idle && !busy_ageing) {
            sleep();
        }
    }
    rules_.offline();
}

bool EngineThread::anything_out() {
    return std::any_of(all_.begin(), all_.end(), [](Socket* socket) { return socket->out(); });
}

// To another processor, once all that was sent has left the backlog of this one. That is waited for shortly, now and in
// later windows. Not for ever: what a shaper holds is in order already.
void EngineThread::move_on() {
    constexpr std::uint64_t kPatienceNs = 10'000'000;
    rules_.offline();
    const std::uint64_t deadline = sys::now_ns(CLOCK_MONOTONIC) + kPatienceNs;
    bool out = anything_out();
    while (out && sys::now_ns(CLOCK_MONOTONIC) < deadline) {
        own_thread_.nap();
        out = anything_out();
    }
    home_.move_on(now_ns(), out);
    rules_.online();
}

// As poll(2), for so many milliseconds at most, and beats meanwhile.
int EngineThread::doze(int longest) {
    constexpr int kBeat = core::Heartbeat::kIdleNs / 1'000'000;
    int ready = 0;
    for (int slept = 0; ready == 0 && (longest == kForever || slept < longest); slept += kBeat) {
        heart_.beat();
        const int idle = longest == kForever ? kBeat : std::min(kBeat, longest - slept);
        ready = ::poll(polled_.data(), polled_.size(), idle);
        heart_.beat(static_cast<std::uint64_t>(idle) * core::Heartbeat::kIdleNs / kBeat);
    }
    return ready;
}

// Until a packet or a command comes. A socket that could not send all is asked again soon: nothing wakes us for that.
// And known flows grow old while nothing comes.
void EngineThread::sleep() {
    constexpr int kSoon = 1; // ms
    constexpr int kAgeing = 1000;
    constexpr int kRest = core::HomeProcessor::kRestNs / 1'000'000;
    const bool backlogged =
        std::any_of(all_.begin(), all_.end(), [](const Socket* socket) { return socket->backlogged(); });
    sleeps_.store(sleeps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    rules_.offline();
    home_.sleeps();
    const bool ageing = flows_ != nullptr && flows_->counter(core::FlowCounter::kInUse) != 0;
    const int longest = backlogged ? kSoon : ageing ? kAgeing : kForever;
    const int ready = doze(home_.at_home() && !backlogged ? kRest : longest);
    if (ready == 0 && home_.at_home() && home_.rest(now_ns(), anything_out())) {
        (void)doze(longest);
    }
    home_.make_home(); // before it takes what has come
    rules_.online();
}

} // namespace pfild::xsk
