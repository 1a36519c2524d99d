// SPDX-License-Identifier: BSD-2-Clause
// One AF_XDP socket on the engine's end of a port: p0 or q0, one queue.
//
//      kernel  --- RX ring --->  receive()            free buffers  --- fill ring --->  kernel
//      kernel  <-- TX ring ----  transmit()           sent buffers  <-- completion ---  kernel
//
// The control thread opens it and shuts it, which can take the kernel tens of milliseconds; in between, from prime() to
// reclaim(), its rings belong to the engine thread, which then no longer or not yet polls it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <xdp/xsk.h>

#include "core/error.h"
#include "core/ports.h"
#include "daemon/xsk/umem.h"

namespace pfild::xsk {

/// What the kernel and the rings did to packets of one socket.
struct SocketCounters {
    std::uint64_t rx_ring_full = 0;       ///< dropped by the kernel: the engine was too slow
    std::uint64_t rx_fill_ring_empty = 0; ///< dropped by the kernel: no free buffer was offered
    std::uint64_t rx_invalid = 0;         ///< dropped by the kernel: longer than a frame can be
    std::uint64_t tx_invalid = 0;         ///< refused by the kernel
    std::uint64_t dropped_buffers = 0;    ///< dropped here: a frame of too many buffers
    std::uint64_t foreign_buffers = 0;    ///< the kernel named a buffer that it did not have; always 0

    SocketCounters& operator+=(const SocketCounters& other);
};

class Socket final : public core::FramePort {
  public:
    /// On that receive queue of a device in the calling thread's namespace. `holder` is unique among open sockets of
    /// the UMEM. A queue that was just closed answers EBUSY for some 20 ms; that is waited for, up to a second.
    [[nodiscard]] static core::Result<std::unique_ptr<Socket>> open(Umem& umem, const std::string& device,
                                                                    core::Holder holder, std::uint32_t queue = 0);
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    Socket(Socket&&) = delete;
    Socket& operator=(Socket&&) = delete;
    ~Socket() override;

    [[nodiscard]] int fd() const { return xsk_socket__fd(socket_); }
    /// Frames are sent that the kernel has not taken yet: it must be asked again soon.
    [[nodiscard]] bool backlogged() const { return backlogged_; }
    /// Whether anything that was sent is still in the stack, or waits to be. Engine thread.
    [[nodiscard]] bool out() noexcept;

    /// Offers the kernel so many free buffers for receiving, at most Umem::ring(). Engine thread; once.
    void prime(std::uint32_t buffers) noexcept;
    [[nodiscard]] bool primed() const { return primed_; }
    /// Ends a window of its share of buffers; whether packets came in it. Engine thread.
    bool end_window() noexcept { return core::BufferShares::end_window(share_); }
    /// Closes the socket; the kernel no longer touches its buffers. Control thread. => the engine no longer uses it.
    void shut() noexcept;
    /// Gives all it held back to the pool. Engine thread. => shut.
    void reclaim() noexcept;
    /// Any thread, but not beside open() and shut().
    [[nodiscard]] SocketCounters counters() const;

    [[nodiscard]] std::size_t receive(std::span<core::Frame> out) noexcept override;
    [[nodiscard]] std::size_t transmit(std::span<core::Frame> frames) noexcept override;
    void after_batch() noexcept override;

  private:
    Socket(Umem& umem, core::Holder holder) : umem_(umem), holder_(holder) {}
    void complete() noexcept;
    void refill(std::uint32_t wanted) noexcept;
    void kick() noexcept;
    void send_one(core::Frame& frame, std::uint32_t& position) noexcept;

    Umem& umem_;
    core::Holder holder_;
    xsk_socket* socket_ = nullptr;
    xsk_ring_cons rx_{};
    xsk_ring_prod tx_{};
    xsk_ring_prod fill_{};
    xsk_ring_cons completion_{};
    core::Frame partial_;   ///< the buffers so far of a frame whose last one has not come yet
    bool skipping_ = false; ///< the rest of a frame that is too long is thrown away
    bool backlogged_ = false;
    bool primed_ = false;
    core::BufferShares::Share share_; ///< buffers that the kernel has for receiving
    std::uint32_t sent_ = 0;          ///< descriptors given to the TX ring and not yet completed
    std::atomic<std::uint64_t> dropped_buffers_{0};
    std::atomic<std::uint64_t> foreign_buffers_{0};
};

} // namespace pfild::xsk
