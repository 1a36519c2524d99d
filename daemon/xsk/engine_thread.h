// SPDX-License-Identifier: BSD-2-Clause
// The thread that runs the engine: rounds while there are packets, poll(2) when there are none.
//
// Everything here but the thread itself is called by the control thread. A call that changes what the engine uses is a
// command: it is run by the engine thread between two rounds, and the caller waits for it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <poll.h>

#include "core/engine.h"
#include "core/error.h"
#include "core/home_processor.h"
#include "daemon/sys/fd.h"
#include "daemon/xsk/own_thread.h"
#include "daemon/xsk/socket.h"

namespace pfild::xsk {

/// CLOCK_MONOTONIC_COARSE, with which heads stamp flows.
[[nodiscard]] std::uint64_t now_ns();

class EngineThread {
  public:
    /// => all of them outlive it; without `flows` the kernel is told no answers. told: what heads read of its
    /// heartbeat.
    [[nodiscard]] static core::Result<std::unique_ptr<EngineThread>>
    start(Umem& umem, core::Publication& rules, core::FlowTable* flows, core::OddPackets odd, __u64& told);
    EngineThread(const EngineThread&) = delete;
    EngineThread& operator=(const EngineThread&) = delete;
    ~EngineThread();

    /// The engine takes packets of both sockets from the return on.
    void add(std::uint8_t slot, std::uint32_t ifindex, Socket& p, Socket& q);
    /// The same of the sockets of the interface's own receive queues, these and no others of its queues.
    void set_queues(std::uint8_t slot, const std::vector<Socket*>& queues, bool complete_checksums);
    /// The engine does not touch the sockets, those of queues included, from the return on.
    void remove(std::uint8_t slot);
    /// See core::Engine.
    void suspect(std::uint8_t slot, core::Direction direction, bool circling);
    /// Removes the known flows of an interface, or of all with nullopt. Returns how many.
    std::size_t forget_flows(std::optional<std::uint32_t> ifindex);
    /// Gives back what a shut socket held.
    void reclaim(Socket& socket);

    /// Whether there are buffers for so many sockets more. Control thread.
    [[nodiscard]] bool has_buffers_for(std::size_t more) const;

    [[nodiscard]] const core::Engine& engine() const { return engine_; }
    [[nodiscard]] const core::Heartbeat& heart() const { return heart_; }
    /// Times the thread found nothing to do and slept.
    [[nodiscard]] std::uint64_t sleeps() const { return sleeps_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t rounds() const { return rounds_.load(std::memory_order_relaxed); }

  private:
    EngineThread(Umem& umem, core::Publication& rules, core::FlowTable* flows, core::OddPackets odd, __u64& told)
        : umem_(umem), rules_(rules), flows_(flows), heart_(told, now_ns), engine_(rules, flows, odd, &heart_) {}
    void command(std::function<void()> work);
    void run();
    void run_commands();
    void sleep();
    int doze(int longest);
    [[nodiscard]] bool anything_out();
    void move_on();
    void rebuild();
    void share_buffers(std::uint64_t now);

    /// Of one interface.
    struct Sockets {
        Socket* p = nullptr;
        Socket* q = nullptr;
        std::vector<Socket*> queues;
    };

    Umem& umem_;
    core::Publication& rules_;
    core::FlowTable* flows_;
    core::Heartbeat heart_; ///< the engine thread's
    core::Engine engine_;
    std::map<std::uint8_t, Sockets> sockets_; ///< by slot; engine thread, as the next two
    std::vector<Socket*> all_;                ///< of `sockets_`
    std::vector<pollfd> polled_;              ///< the wake-up first
    std::uint64_t window_end_ = 0;            ///< of the shares of buffers
    OwnThread own_thread_;                    ///< engine thread, as its home
    core::HomeProcessor home_{own_thread_};
    std::atomic<std::size_t> socket_count_{0};
    std::atomic<std::uint64_t> sleeps_{0};
    std::atomic<std::uint64_t> rounds_{0};
    std::mutex mutex_; ///< guards commands_
    std::vector<std::packaged_task<void()>> commands_;
    std::atomic<bool> commanded_{false};
    std::atomic<bool> stop_{false};
    sys::Fd wake_;
    std::thread thread_;
};

} // namespace pfild::xsk
