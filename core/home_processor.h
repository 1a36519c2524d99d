// SPDX-License-Identifier: BSD-2-Clause
// Keeps the engine's thread on one processor while anything that it sent is still in the stack.
//
// What the engine sends waits in the backlog of the processor that it is sent from. Sent from another one meanwhile,
// later packets overtake earlier ones. So the thread may change its processor at two moments only:
//
//     rest     nothing came for a while, and nothing that was sent is left
//     starved  it never slept, and got less than half of its processor: others, or interrupts, have the rest
//
// Otherwise it is at home: allowed on its home only. What it is allowed in between is what it found, at its start or
// since: whoever sets an affinity or a cpuset from outside is obeyed. Where that is one processor, nothing is ever set.
// One thread, the engine.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace pfild::core {

inline constexpr std::size_t kMostProcessors = 8192; ///< the largest CONFIG_NR_CPUS
using Processors = std::bitset<kMostProcessors>;

/// The kernel's scheduler, about the calling thread.
class Scheduler {
  public:
    Scheduler() = default;
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;
    virtual ~Scheduler() = default;

    /// Those that the thread may run on; none when that cannot be told.
    [[nodiscard]] virtual Processors allowed() noexcept = 0;
    /// Lets it run on these only, as far as they are there. False: refused, all is as before.
    [[nodiscard]] virtual bool allow(const Processors& processors) noexcept = 0;
    /// The one that it runs on.
    [[nodiscard]] virtual std::size_t current() noexcept = 0;
    /// How long the thread has run.
    [[nodiscard]] virtual std::uint64_t run_ns() noexcept = 0;
    /// Sleeps shortly, so that the kernel finds a processor for it.
    virtual void nap() noexcept = 0;
};

class HomeProcessor {
  public:
    static constexpr std::uint64_t kRestNs = 50'000'000;        ///< without a packet
    static constexpr std::uint64_t kForsakenNs = 1'000'000'000; ///< then it rests, whatever is still out
    static constexpr std::uint64_t kWindowNs = 100'000'000;     ///< over which starving is measured
    static constexpr std::uint64_t kStayNs = 1'000'000'000;     ///< at least, between two moves
    static constexpr unsigned kTries = 20; ///< windows in which it starves and something is always out

    /// => `scheduler` outlives it.
    explicit HomeProcessor(Scheduler& scheduler) : scheduler_(scheduler) {}

    /// From here on the thread stays where it is. Before anything is sent.
    void make_home() noexcept;
    [[nodiscard]] bool at_home() const { return at_home_; }
    /// A round is over. True: the thread starves here, and is to move on once nothing is out.
    [[nodiscard]] bool starved(std::uint64_t now_ns, bool carried) noexcept {
        last_carried_ns_ = carried ? now_ns : last_carried_ns_;
        return now_ns >= window_end_ns_ && end_window(now_ns);
    }
    /// Makes its home on another processor. While something that was sent is `out` it stays, but not for ever.
    void move_on(std::uint64_t now_ns, bool out) noexcept;
    /// The thread sleeps now, as nothing is to be done.
    void sleeps() noexcept { slept_ = true; }
    /// Nothing has woken it. True: it rests from now on, any processor that it may have is as good.
    /// `out`: something that was sent is still in the stack.
    [[nodiscard]] bool rest(std::uint64_t now_ns, bool out) noexcept;

  private:
    [[nodiscard]] bool end_window(std::uint64_t now_ns) noexcept;
    void look() noexcept;
    [[nodiscard]] bool set(const Processors& processors) noexcept;

    Scheduler& scheduler_;
    Processors given_;     ///< from outside
    Processors as_set_;    ///< what the thread was allowed when last looked at
    std::size_t home_ = 0; ///< while at_home_
    bool at_home_ = false;
    bool slept_ = true; ///< in this window
    std::uint64_t last_carried_ns_ = 0;
    std::uint64_t window_start_ns_ = 0;
    std::uint64_t window_end_ns_ = 0;
    std::uint64_t run_before_ns_ = 0; ///< at the start of the window
    std::uint64_t stays_until_ns_ = 0;
    unsigned tries_ = 0; ///< to move on, in vain
};

} // namespace pfild::core
