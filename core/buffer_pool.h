// SPDX-License-Identifier: BSD-2-Clause
// The buffers of an instance and who holds each of them.
//
// All packet memory is one region (the UMEM of the AF_XDP sockets), cut into buffers of equal size. A buffer has
// exactly one holder at any time: the pool (free), the engine (a Frame holds it), or a socket (it is in one of that
// socket's rings or with the kernel). So nothing can be lost or owned twice without a count being wrong:
//
//     free + rings + in flight = total        (BufferCounts::balanced(), exported by `stats`, checked by tests)
//
//     +------+   lend()    +--------+   collect()   +--------+
//     | free | ----------> | socket | ------------> | engine |   receive
//     +------+             +--------+               +--------+
//        ^   restore()         |    ^    hand()         |
//        +---------------------+    +-------------------+        transmit, completion
//        +----------------------------------------------+        Frame destroyed: drop
//
// One thread, the engine, owns the pool; counts() may be read by any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace pfild::core {

using BufferIndex = std::uint32_t;
inline constexpr BufferIndex kNoBuffer = ~BufferIndex{0};

/// Who holds a buffer. Values from kFirstSocket on name sockets and are given out by the owner of the sockets.
using Holder = std::uint16_t;
inline constexpr Holder kHeldByPool = 0;
inline constexpr Holder kHeldByEngine = 1;
inline constexpr Holder kFirstSocket = 2;

/// Where the buffers are, in buffers.
struct BufferCounts {
    std::uint32_t total = 0;
    std::uint32_t free = 0;      ///< in the pool
    std::uint32_t rings = 0;     ///< lent to sockets
    std::uint32_t in_flight = 0; ///< in the engine's hands

    [[nodiscard]] bool balanced() const { return free + rings + in_flight == total; }
};

class BufferPool {
  public:
    /// => `memory` outlives the pool; its size is a multiple of `buffer_size`, which is a power of two.
    BufferPool(std::span<std::uint8_t> memory, std::uint32_t buffer_size);
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;
    ~BufferPool() = default;

    [[nodiscard]] std::uint32_t buffer_size() const { return buffer_size_; }
    [[nodiscard]] std::uint8_t* start(BufferIndex buffer) const { return memory_ + offset(buffer); }
    /// Byte offset of the buffer's first byte in the region: what AF_XDP calls an address.
    [[nodiscard]] std::uint64_t offset(BufferIndex buffer) const { return std::uint64_t{buffer} * buffer_size_; }
    /// The buffer that holds the byte at `address`, or kNoBuffer if there is none.
    [[nodiscard]] BufferIndex at(std::uint64_t address) const;

    /// pool -> `holder`: fills `out` with up to out.size() buffers, returns how many there were.
    [[nodiscard]] std::size_t lend(std::span<BufferIndex> out, Holder holder);
    /// `holder` -> engine: false, and nothing done, when `holder` does not hold the buffer.
    [[nodiscard]] bool collect(BufferIndex buffer, Holder holder);
    /// engine -> `holder`. => the engine holds the buffer.
    void hand(BufferIndex buffer, Holder holder);
    /// `holder` -> pool: false, and nothing done, when `holder` does not hold the buffer.
    [[nodiscard]] bool restore(BufferIndex buffer, Holder holder);
    /// Everything that `holder` still has -> pool; for a socket that is closed. Returns how many.
    std::uint32_t reclaim(Holder holder);

    /// Where the buffers are; any thread. Taken between two packets it is balanced, in the middle of one it may be off
    /// by it.
    [[nodiscard]] BufferCounts counts() const;
    /// The same by counting every buffer; only for the owning thread, slow, for tests and for the check at detach.
    [[nodiscard]] BufferCounts census() const;

    // What a buffer carries while the engine holds it; used by Frame only.
    struct Contents {
        std::uint8_t* data = nullptr;
        std::uint32_t length = 0;
        BufferIndex next = kNoBuffer;
    };
    [[nodiscard]] Contents& contents(BufferIndex buffer) { return contents_[buffer]; }

  private:
    void move(BufferIndex buffer, Holder to);

    std::uint8_t* memory_;
    std::uint32_t buffer_size_;
    std::uint32_t shift_;
    std::vector<Holder> holders_;
    std::vector<Contents> contents_;
    std::vector<BufferIndex> free_; ///< a stack: the buffer used last is warm in the cache
    std::atomic<std::uint32_t> free_count_;
    std::atomic<std::uint32_t> engine_count_{0};
};

} // namespace pfild::core
