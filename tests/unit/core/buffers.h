// SPDX-License-Identifier: BSD-2-Clause
// Frames for tests: a pool with memory of its own, and frames cut into buffers wherever a test wants them cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "core/buffer_pool.h"
#include "core/frame.h"

namespace pfild::core {

using Bytes = std::vector<std::uint8_t>;

/// A pool of `count` buffers of `size` bytes each.
class Buffers {
  public:
    explicit Buffers(std::uint32_t count = 64, std::uint32_t size = 2048)
        : memory_(std::size_t{count} * size), pool_(memory_, size) {}

    BufferPool& pool() { return pool_; }

    Frame frame(std::span<const std::uint8_t> bytes) { return Frame::copy_of(pool_, bytes); }

    /// A frame of these bytes in buffers of these sizes; what is left over is the last one.
    Frame cut(std::span<const std::uint8_t> bytes, const std::vector<std::size_t>& sizes) {
        Frame frame;
        for (const std::size_t size : sizes) {
            append(frame, bytes.first(std::min(size, bytes.size())));
            bytes = bytes.subspan(std::min(size, bytes.size()));
        }
        if (!bytes.empty()) {
            append(frame, bytes);
        }
        return frame;
    }

    /// => nothing is held outside the pool any more.
    void expect_all_free() const {
        EXPECT_EQ(pool_.census().free, pool_.census().total) << "buffers are lost or still held";
        EXPECT_EQ(pool_.counts().free, pool_.census().free);
        EXPECT_TRUE(pool_.counts().balanced());
    }

  private:
    void append(Frame& frame, std::span<const std::uint8_t> bytes) {
        BufferIndex buffer = kNoBuffer;
        ASSERT_EQ(pool_.lend({&buffer, 1}, kHeldByEngine), 1U);
        std::copy(bytes.begin(), bytes.end(), pool_.start(buffer));
        frame.append(pool_, buffer, pool_.start(buffer), static_cast<std::uint32_t>(bytes.size()));
    }

    Bytes memory_;
    BufferPool pool_;
};

inline Bytes bytes_of(const Frame& frame) {
    Bytes bytes;
    frame.each_buffer([&](std::span<std::uint8_t> part) { bytes.insert(bytes.end(), part.begin(), part.end()); });
    return bytes;
}

/// 0, 1, 2, … so that a byte in the wrong place is seen.
inline Bytes counting(std::size_t count) {
    Bytes bytes(count);
    for (std::size_t i = 0; i < count; i++) {
        bytes[i] = static_cast<std::uint8_t>(i);
    }
    return bytes;
}

} // namespace pfild::core
