// SPDX-License-Identifier: BSD-2-Clause
// The TC heads of one attachment, loaded for it alone: what they act by is a constant to them (bpf/identity.h).
// Control thread.
#pragma once

#include <array>
#include <cstdint>

#include "core/direction.h"
#include "core/error.h"
#include "daemon/kernel/programs.h"
#include "daemon/sys/fd.h"

namespace pfild::kernel {

class HeadPrograms {
  public:
    /// attachment: what the entry of that slot says (pfild_interface), or the heads do nothing.
    [[nodiscard]] static core::Result<HeadPrograms> load(const Programs& programs, std::uint8_t slot,
                                                         std::uint32_t attachment);

    [[nodiscard]] int fd(core::Direction direction) const { return heads_[core::index(direction)].get(); }
    /// The kernel's number.
    [[nodiscard]] std::uint32_t id(core::Direction direction) const { return ids_[core::index(direction)]; }

  private:
    HeadPrograms() = default;

    std::array<sys::Fd, core::kDirections> heads_;
    std::array<std::uint32_t, core::kDirections> ids_{};
};

} // namespace pfild::kernel
