// SPDX-License-Identifier: BSD-2-Clause
#include "core/frame.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace pfild::core {

Frame::Frame(Frame&& other) noexcept
    : pool_(other.pool_), first_(other.first_), last_(other.last_), length_(other.length_), buffers_(other.buffers_) {
    other.release();
}

Frame& Frame::operator=(Frame&& other) noexcept {
    if (this != &other) {
        reset();
        pool_ = other.pool_;
        first_ = other.first_;
        last_ = other.last_;
        length_ = other.length_;
        buffers_ = other.buffers_;
        other.release();
    }
    return *this;
}

Frame Frame::copy_of(BufferPool& pool, std::span<const std::uint8_t> bytes, std::uint32_t headroom) {
    Frame frame;
    do {
        BufferIndex buffer = kNoBuffer;
        if (frame.buffers_ == kMaxFrameBuffers || pool.lend({&buffer, 1}, kHeldByEngine) == 0) {
            return {};
        }
        const std::uint32_t room = frame.empty() ? headroom : 0;
        const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), pool.buffer_size() - room));
        std::uint8_t* data = pool.start(buffer) + room;
        std::copy_n(bytes.begin(), length, data);
        frame.append(pool, buffer, data, length);
        bytes = bytes.subspan(length);
    } while (!bytes.empty());
    return frame;
}

std::span<std::uint8_t> Frame::head() const {
    if (empty()) {
        return {};
    }
    const BufferPool::Contents& contents = pool_->contents(first_);
    return {contents.data, contents.length};
}

void Frame::append(BufferPool& pool, BufferIndex buffer, std::uint8_t* data, std::uint32_t length) {
    assert(buffers_ < kMaxFrameBuffers);
    pool.contents(buffer) = {.data = data, .length = length, .next = kNoBuffer};
    if (empty()) {
        pool_ = &pool;
        first_ = buffer;
    } else {
        pool.contents(last_).next = buffer;
    }
    last_ = buffer;
    length_ += length;
    buffers_++;
}

void Frame::trim_front(std::uint32_t count) {
    BufferPool::Contents& contents = pool_->contents(first_);
    assert(count <= contents.length);
    contents.data += count;
    contents.length -= count;
    length_ -= count;
}

bool Frame::grow_front(std::uint32_t count) {
    if (empty()) {
        return false;
    }
    BufferPool::Contents& contents = pool_->contents(first_);
    if (contents.data - pool_->start(first_) < static_cast<std::ptrdiff_t>(count)) {
        return false;
    }
    contents.data -= count;
    contents.length += count;
    length_ += count;
    return true;
}

bool Frame::copy_out(std::uint32_t offset, std::span<std::uint8_t> out) const {
    if (offset > length_ || out.size() > length_ - offset) {
        return false;
    }
    each_buffer([&](std::span<std::uint8_t> part) {
        if (offset >= part.size()) {
            offset -= static_cast<std::uint32_t>(part.size());
            return;
        }
        const std::size_t count = std::min(out.size(), part.size() - offset);
        std::copy_n(part.begin() + offset, count, out.begin());
        out = out.subspan(count);
        offset = 0;
    });
    return true;
}

void Frame::reset() noexcept {
    for (BufferIndex buffer = first_; buffer != kNoBuffer;) {
        const BufferIndex next = pool_->contents(buffer).next;
        [[maybe_unused]] const bool held = pool_->restore(buffer, kHeldByEngine);
        assert(held);
        buffer = next;
    }
    release();
}

void Frame::release() noexcept {
    pool_ = nullptr;
    first_ = kNoBuffer;
    last_ = kNoBuffer;
    length_ = 0;
    buffers_ = 0;
}

} // namespace pfild::core
