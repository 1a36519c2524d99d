// SPDX-License-Identifier: BSD-2-Clause
// How many of an instance's buffers each socket offers for receiving.
//
// The kernel cannot be asked for an offered buffer back: it returns with a packet or not at all. So a socket begins
// with a part of what is left, never all of it, and gets more by what it receives:
//
//     floor   every socket: three eighths of the budget, evenly
//     least   every busy one: a sixteenth of the budget, or an even part if there are many
//     need    what came within a window, twice
//     cap     of the need: half of what is spare, until that is little; then a busy socket falls to an even part
//
// The budget is half of all buffers; the other half is for packets on their way down. What sockets keep that were busy
// once may exceed the budget by a half. One thread, the engine.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pfild::core {

class BufferShares {
  public:
    /// Of one socket, in buffers.
    struct Share {
        std::uint32_t offered = 0; ///< what the kernel has
        std::uint32_t taken = 0;   ///< came with packets in this window
        std::uint32_t need = 0;    ///< by earlier windows
    };

    /// With less a socket cannot receive a batch.
    static constexpr std::uint32_t kFewest = 64;
    /// Of a window, after which end_window() is to be called.
    static constexpr std::uint64_t kWindowNs = 100'000'000;

    explicit BufferShares(std::uint32_t total) : budget_(total / 2) {}
    /// Whether so many sockets can have the fewest.
    [[nodiscard]] static bool enough(std::uint32_t total, std::size_t sockets) {
        return sockets * kFewest <= total / 2;
    }

    /// There are so many sockets now.
    void set_sockets(std::size_t sockets);
    /// How many buffers each of so many new sockets begins with.
    [[nodiscard]] std::uint32_t beginning(std::size_t sockets) const;
    /// How many the socket should have offered now.
    [[nodiscard]] std::uint32_t wanted(const Share& share) const;

    void offer(Share& share, std::uint32_t buffers);
    void take(Share& share, std::uint32_t buffers);
    /// The socket is shut.
    void leave(Share& share);
    /// Of each socket; returns whether it was busy.
    static bool end_window(Share& share);
    /// So many sockets were busy in the window that has ended.
    void set_busy(std::size_t sockets);

  private:
    [[nodiscard]] std::int64_t spare() const { return std::int64_t{budget_} - offered_; }
    [[nodiscard]] std::int64_t floor() const;
    [[nodiscard]] std::int64_t least() const;
    [[nodiscard]] std::int64_t cap(const Share& share) const;

    std::uint32_t budget_;
    std::int64_t offered_ = 0;     ///< by all sockets
    std::int64_t floor_ = kFewest; ///< of each socket
    std::int64_t even_ = 0;        ///< part of each busy socket
    std::int64_t sockets_ = 1;
};

} // namespace pfild::core
