// SPDX-License-Identifier: BSD-2-Clause
// How a new snapshot reaches the engine, and how the control thread knows that the old one is no longer in use:
// quiescent states (contract PF-03, PF-11, PF-17, PF-18).
//
// The reader says once a batch "I hold nothing of before"; that is a quiescent point. The writer swaps the pointer and
// waits for the next one. The reader never waits for the writer, but for an Exclusive.
//
//      writer (control)                               reader (engine)
//      current_ = new                                 loop:
//      wanted_  = n                                     snapshot = quiescent()    wanted_ is new: state_ = n
//      wait until state_ is n or offline                run hooks over a batch
//      free the old one                                 nothing to do: offline(), sleep, online()
//
// The memory order is argued in publication.cpp. One reader thread and one writer thread at a time; the reader begins
// offline and is offline again when it ends. Nobody has to wake a sleeping reader: it is offline, so nobody waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "core/pfil/registry.h"
#include "core/pfil/snapshot.h"

namespace pfild::core {

class Publication final : public SnapshotPublisher {
  public:
    Publication();
    Publication(const Publication&) = delete;
    Publication& operator=(const Publication&) = delete;
    ~Publication() override;

    /// While it lives no hook runs: the reader waits at its quiescent point (PF-18). Writer thread only; not nested.
    class [[nodiscard]] Exclusive {
      public:
        Exclusive(Exclusive&& other) noexcept : publication_(std::exchange(other.publication_, nullptr)) {}
        Exclusive& operator=(Exclusive&&) = delete;
        Exclusive(const Exclusive&) = delete;
        Exclusive& operator=(const Exclusive&) = delete;
        ~Exclusive();

      private:
        friend class Publication;
        explicit Exclusive(Publication& publication) : publication_(&publication) {}
        Publication* publication_;
    };

    // The writer's side.

    /// Returns after the reader has passed a quiescent point or while it is offline. The old snapshot is freed here.
    void publish(std::shared_ptr<const Snapshot> snapshot) override;
    /// Returns when the last running hook has returned.
    [[nodiscard]] Exclusive exclude();

    // The reader's side; no lock, no allocation.

    /// Says that nothing of an earlier call is in use any more, and gives the newest snapshot, good until the next call
    /// of quiescent() or offline(). A reader that was offline is online after it.
    [[nodiscard]] const Snapshot& quiescent() noexcept {
        if (wanted_.load(std::memory_order_seq_cst) != acknowledged_) [[unlikely]] {
            acknowledge();
        }
        return *current_.load(std::memory_order_seq_cst);
    }
    /// Before the reader sleeps: it holds nothing, and nobody waits for it.
    void offline() noexcept;
    /// After it slept, before the first quiescent(): takes note of what happened meanwhile.
    void online() noexcept { acknowledge(); }

    /// How often the reader had to wait for an Exclusive; any thread.
    [[nodiscard]] std::uint64_t times_held() const { return times_held_.load(std::memory_order_relaxed); }

  private:
    using Word = std::uint32_t; // what a futex can wait for

    static constexpr Word kOffline = 0; ///< in state_: the reader holds nothing. All else is a number of wanted_

    void ask_and_await_reader();
    void set_state(Word state) noexcept;
    void acknowledge() noexcept;

    // Written by the writer.
    std::atomic<const Snapshot*> current_;
    std::atomic<Word> wanted_{1};
    std::atomic<Word> excluded_{0};
    std::shared_ptr<const Snapshot> owned_;

    // Written by the reader, on a cache line of its own.
    alignas(64) std::atomic<Word> state_{kOffline};
    Word acknowledged_ = kOffline; ///< the reader's own copy of what it last acknowledged
    std::atomic<std::uint64_t> times_held_{0};
};

} // namespace pfild::core
