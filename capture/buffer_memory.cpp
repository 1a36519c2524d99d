// SPDX-License-Identifier: BSD-2-Clause
#include "capture/buffer_memory.h"

#include <new>
#include <utility>

namespace pfild::capture {
namespace {

class PrivateMemory final : public BufferMemory {
  public:
    PrivateMemory(std::unique_ptr<std::uint8_t[]> bytes, std::size_t size) : bytes_(std::move(bytes)), size_(size) {}
    [[nodiscard]] std::span<std::uint8_t> bytes() noexcept override { return {bytes_.get(), size_}; }

  private:
    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t size_;
};

} // namespace

std::unique_ptr<BufferMemory> private_memory(std::size_t bytes) {
    // Zeroed, so that the pages are there before the first packet is.
    std::unique_ptr<std::uint8_t[]> memory(new (std::nothrow) std::uint8_t[bytes]());
    return memory == nullptr ? nullptr : std::make_unique<PrivateMemory>(std::move(memory), bytes);
}

} // namespace pfild::capture
