// SPDX-License-Identifier: BSD-2-Clause
// The buffers of a device in memory that its program can map (memfd_create(2)): for reading alone, at the size it has.
//
// A program may keep the descriptor for as long as it likes, so the pages go when the device does, not with the last
// descriptor: or whoever opens, shares and closes devices would have all memory in the end. Seals that keep a writer
// away would keep the daemon from giving pages back; so the descriptor is one that was opened for reading, of a file
// that its owner alone may open, and only its size is sealed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "capture/buffer_memory.h"
#include "daemon/sys/fd.h"

namespace pfild::device {

struct SharedMemory {
    std::unique_ptr<capture::BufferMemory> memory;
    sys::Fd descriptor; ///< who has it can map the memory for reading, and nothing else

    /// Its pages are there. Nothing in `memory`: it cannot be had.
    [[nodiscard]] static SharedMemory make(std::size_t bytes);
};

/// Gives back the pages: whoever has mapped them sees zeros from then on, which are his. => `bytes` is all of a memory
/// that make() has made.
void withdraw(std::span<std::uint8_t> bytes) noexcept;

} // namespace pfild::device
