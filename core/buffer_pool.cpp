// SPDX-License-Identifier: BSD-2-Clause
#include "core/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace pfild::core {

BufferPool::BufferPool(std::span<std::uint8_t> memory, std::uint32_t buffer_size)
    : memory_(memory.data()), buffer_size_(buffer_size),
      shift_(static_cast<std::uint32_t>(std::countr_zero(buffer_size))),
      holders_(memory.size() / buffer_size, kHeldByPool), contents_(holders_.size()), free_(holders_.size()),
      free_count_(static_cast<std::uint32_t>(holders_.size())) {
    assert(std::has_single_bit(buffer_size));
    // The stack is filled from the top so that buffer 0 is used first.
    for (std::size_t i = 0; i < free_.size(); i++) {
        free_[i] = static_cast<BufferIndex>(free_.size() - 1 - i);
    }
}

BufferIndex BufferPool::at(std::uint64_t address) const {
    const std::uint64_t buffer = address >> shift_;
    return buffer < holders_.size() ? static_cast<BufferIndex>(buffer) : kNoBuffer;
}

// The counters have one writer, the owning thread: a load and a store are enough, no locked instruction.
static void bump(std::atomic<std::uint32_t>& counter, std::int32_t by) {
    const std::uint32_t now = counter.load(std::memory_order_relaxed);
    counter.store(now + static_cast<std::uint32_t>(by), std::memory_order_relaxed);
}

void BufferPool::move(BufferIndex buffer, Holder to) {
    const Holder from = holders_[buffer];
    if (from == kHeldByEngine) {
        bump(engine_count_, -1);
    }
    if (to == kHeldByEngine) {
        bump(engine_count_, +1);
    } else if (to == kHeldByPool) {
        free_.push_back(buffer); // never allocates: the vector once held every buffer
        bump(free_count_, +1);
    }
    holders_[buffer] = to;
}

std::size_t BufferPool::lend(std::span<BufferIndex> out, Holder holder) {
    const std::size_t count = std::min(out.size(), free_.size());
    for (std::size_t i = 0; i < count; i++) {
        const BufferIndex buffer = free_.back();
        free_.pop_back();
        holders_[buffer] = holder;
        out[i] = buffer;
    }
    bump(free_count_, -static_cast<std::int32_t>(count));
    if (holder == kHeldByEngine) {
        bump(engine_count_, static_cast<std::int32_t>(count));
    }
    return count;
}

bool BufferPool::collect(BufferIndex buffer, Holder holder) {
    if (buffer >= holders_.size() || holders_[buffer] != holder) {
        return false;
    }
    move(buffer, kHeldByEngine);
    return true;
}

void BufferPool::hand(BufferIndex buffer, Holder holder) {
    assert(holders_[buffer] == kHeldByEngine);
    move(buffer, holder);
}

bool BufferPool::restore(BufferIndex buffer, Holder holder) {
    if (buffer >= holders_.size() || holders_[buffer] != holder || holder == kHeldByPool) {
        return false;
    }
    move(buffer, kHeldByPool);
    return true;
}

std::uint32_t BufferPool::reclaim(Holder holder) {
    std::uint32_t count = 0;
    for (BufferIndex buffer = 0; buffer < holders_.size(); buffer++) {
        count += restore(buffer, holder) ? 1U : 0U;
    }
    return count;
}

BufferCounts BufferPool::counts() const {
    BufferCounts counts;
    counts.total = static_cast<std::uint32_t>(holders_.size());
    counts.free = free_count_.load(std::memory_order_relaxed);
    counts.in_flight = engine_count_.load(std::memory_order_relaxed);
    counts.rings = counts.total - counts.free - counts.in_flight;
    return counts;
}

BufferCounts BufferPool::census() const {
    BufferCounts counts;
    counts.total = static_cast<std::uint32_t>(holders_.size());
    for (const Holder holder : holders_) {
        (holder == kHeldByPool ? counts.free : holder == kHeldByEngine ? counts.in_flight : counts.rings)++;
    }
    return counts;
}

} // namespace pfild::core
