// SPDX-License-Identifier: BSD-2-Clause
// The buffers of a device in memory that its program can map (memfd_create(2)): for reading alone, at the size it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/capture/buffer_memory.h"
#include "daemon/sys/fd.h"

namespace pfild::device {

struct SharedMemory {
    std::unique_ptr<core::BufferMemory> memory;
    sys::Fd descriptor; ///< who has it can map the memory for reading; seals keep everybody from all else

    /// Its pages are there. Nothing in `memory`: it cannot be had.
    [[nodiscard]] static SharedMemory make(std::size_t bytes);
};

} // namespace pfild::device
