// SPDX-License-Identifier: BSD-2-Clause
// A frame: a packet in the engine's hands, in one or several buffers (jumbo frames arrive in several).
//
// A Frame is the one owner of its buffers: moving it moves the ownership, destroying it gives the buffers back to the
// pool, which is what dropping a packet is. Bytes are as on the wire, network byte order. Engine thread only.
#pragma once

#include <cstdint>
#include <span>

#include "core/buffer_pool.h"

namespace pfild::core {

/// The most buffers a frame can have: 17 fragments and the head, what a Linux socket buffer can carry.
inline constexpr std::uint32_t kMaxFrameBuffers = 18;

class Frame {
  public:
    Frame() = default;
    Frame(Frame&& other) noexcept;
    Frame& operator=(Frame&& other) noexcept;
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame() { reset(); }

    /// A frame of free buffers holding a copy of `bytes`, with `headroom` bytes before them; empty when the pool has
    /// too few.
    [[nodiscard]] static Frame copy_of(BufferPool& pool, std::span<const std::uint8_t> bytes,
                                       std::uint32_t headroom = 256);

    [[nodiscard]] bool empty() const { return first_ == kNoBuffer; }
    /// Bytes in all of its buffers.
    [[nodiscard]] std::uint32_t length() const { return length_; }
    [[nodiscard]] std::uint32_t buffer_count() const { return buffers_; }
    /// The bytes in the first buffer; empty frame: empty span.
    [[nodiscard]] std::span<std::uint8_t> head() const;
    [[nodiscard]] BufferIndex first() const { return first_; }
    [[nodiscard]] BufferPool& pool() const { return *pool_; }

    /// Calls visit(std::span<std::uint8_t>) for the bytes in each buffer, in order.
    template <typename Visitor>
    void each_buffer(Visitor&& visit) const {
        for (BufferIndex buffer = first_; buffer != kNoBuffer;) {
            const BufferPool::Contents& contents = pool_->contents(buffer);
            visit(std::span<std::uint8_t>(contents.data, contents.length));
            buffer = contents.next;
        }
    }

    /// Adds a buffer that the engine holds, with its bytes, at the end. => at most kMaxFrameBuffers.
    void append(BufferPool& pool, BufferIndex buffer, std::uint8_t* data, std::uint32_t length);
    /// Drops `count` bytes at the front. => count <= head().size().
    void trim_front(std::uint32_t count);
    /// Makes room for `count` bytes at the front; false, and nothing done, when the first buffer has no room there.
    [[nodiscard]] bool grow_front(std::uint32_t count);
    /// Copies bytes [offset, offset + out.size()) into `out`, across buffers; false when the frame is shorter.
    [[nodiscard]] bool copy_out(std::uint32_t offset, std::span<std::uint8_t> out) const;

    /// Gives the buffers back to the pool.
    void reset() noexcept;
    /// Ends the ownership without giving the buffers back: the caller has handed each of them on.
    void release() noexcept;

  private:
    BufferPool* pool_ = nullptr;
    BufferIndex first_ = kNoBuffer;
    BufferIndex last_ = kNoBuffer;
    std::uint32_t length_ = 0;
    std::uint32_t buffers_ = 0;
};

} // namespace pfild::core
