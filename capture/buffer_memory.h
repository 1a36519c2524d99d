// SPDX-License-Identifier: BSD-2-Clause
// Where the two buffers of a device lie: the client provides it, so that a program can look at its records where they
// are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace pfild::capture {

/// Owns it. Nobody but the device writes to it.
class BufferMemory {
  public:
    BufferMemory() = default;
    BufferMemory(const BufferMemory&) = delete;
    BufferMemory& operator=(const BufferMemory&) = delete;
    virtual ~BufferMemory() = default;
    /// Always the same, and aligned to PFILD_RECORD_ALIGNMENT.
    [[nodiscard]] virtual std::span<std::uint8_t> bytes() noexcept = 0;
};

/// Memory that the process has for itself; its pages are there. Nothing: there is none.
[[nodiscard]] std::unique_ptr<BufferMemory> private_memory(std::size_t bytes);

} // namespace pfild::capture
