// SPDX-License-Identifier: BSD-2-Clause
// Programs that heads ask whether a packet need be taken at all (core/capture/tap_program.h, pfild/tap.h).
//
// Where there is none every packet is taken, so what cannot be loaded is slow, never wrong. Device thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cbpf/lower/place.h"
#include "cbpf/program.h"
#include "core/error.h"
#include "daemon/kernel/programs.h"

namespace pfild::kernel {

class TapFilters {
  public:
    /// => the programs outlive it.
    explicit TapFilters(const Programs& programs) : programs_(programs) {}

    /// The heads of a lane at that place ask this program. E2BIG: it is too long; and what load() says. Whatever was
    /// there before is gone, also then. => there is a filter.
    [[nodiscard]] core::Result<void> set(std::uint32_t lane, cbpf::Place place,
                                         std::span<const cbpf::Program* const> filters);
    void clear(std::uint32_t lane, cbpf::Place place);
    /// Packets of a lane that were not taken, since the heads were loaded.
    [[nodiscard]] std::uint64_t skipped(std::uint32_t lane) const;

  private:
    const Programs& programs_;
};

} // namespace pfild::kernel
