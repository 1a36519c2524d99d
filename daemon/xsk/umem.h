// SPDX-License-Identifier: BSD-2-Clause
// The packet memory of an instance, registered with the kernel once (UMEM) and shared by all its AF_XDP sockets.
//
// The kernel ties a UMEM to the descriptor of its first socket, and that socket to its device. So the first socket is
// an anchor on the loopback interface of the private namespace: it carries no packet and lets every other one come and
// go. It also sets what all sockets share: copy mode, need-wakeup, frames in several buffers where the kernel can
// (6.6).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include <xdp/xsk.h>

#include "core/buffer_pool.h"
#include "core/buffer_shares.h"
#include "core/error.h"
#include "core/frame.h"

namespace pfild::xsk {

inline constexpr std::uint32_t kBufferSize = 4096; ///< bytes

class Umem {
  public:
    /// => the calling thread is in the private namespace, whose loopback interface is up.
    [[nodiscard]] static core::Result<std::unique_ptr<Umem>> create(std::uint32_t buffers);
    Umem(const Umem&) = delete;
    Umem& operator=(const Umem&) = delete;
    ~Umem();

    /// For as long as a socket of it is opened or closed: libxdp lists them without a lock.
    [[nodiscard]] std::mutex& sockets() { return sockets_; }
    [[nodiscard]] core::BufferPool& pool() { return *pool_; }
    /// How many buffers each socket offers. Engine thread, as all that is done with the pool.
    [[nodiscard]] core::BufferShares& shares() { return *shares_; }
    [[nodiscard]] xsk_umem* handle() { return umem_; }
    /// Descriptors in each of the four rings of a socket: a quarter of the buffers, up to 16384.
    [[nodiscard]] std::uint32_t ring() const { return ring_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    /// Whether a frame may come in several buffers; if not, a frame must fit one.
    [[nodiscard]] bool multi_buffer() const { return multi_buffer_; }
    /// The longest frame, in bytes, that can be carried.
    [[nodiscard]] std::uint32_t longest_frame() const;

  private:
    Umem() = default;
    [[nodiscard]] core::Result<void> map(std::uint32_t buffers);
    [[nodiscard]] core::Result<void> bind_anchor();

    std::uint8_t* memory_ = nullptr;
    std::uint64_t bytes_ = 0;
    std::uint32_t ring_ = 0;
    bool multi_buffer_ = false;
    std::unique_ptr<core::BufferPool> pool_;
    std::unique_ptr<core::BufferShares> shares_;
    xsk_umem* umem_ = nullptr;
    std::mutex sockets_;
    xsk_socket* anchor_ = nullptr;
    xsk_ring_prod fill_{};
    xsk_ring_cons completion_{};
    xsk_ring_prod tx_{};
};

} // namespace pfild::xsk
