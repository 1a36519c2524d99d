// SPDX-License-Identifier: BSD-2-Clause
// Programs that heads ask whether a packet need be taken at all (capture/tap_program.h, pfild/tap.h).
//
// Where there is none every packet is taken, so what cannot be loaded is slow, never wrong. Loading takes a millisecond
// or, for what is written to be hard, 0.1 s; so programs that change their filters all the time do without them after a
// while, and other captures hardly notice. Device thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/work_budget.h"
#include "cbpf/program.h"
#include "core/error.h"
#include "daemon/kernel/programs.h"
#include "ebpf/place.h"

namespace pfild::kernel {

class TapFilters {
  public:
    /// => the programs outlive it.
    explicit TapFilters(const Programs& programs) : programs_(programs) {}

    /// The heads of a lane at that place ask this program. E2BIG: it is too long, or too much for the verifier; EAGAIN:
    /// too much time has gone into others; and what load() says. Whatever was there before is gone, also then.
    /// => there is a filter.
    [[nodiscard]] core::Result<void> set(std::uint32_t lane, ebpf::Place place,
                                         std::span<const cbpf::Program* const> filters);
    void clear(std::uint32_t lane, ebpf::Place place);
    /// Packets of a lane that were not taken, since the heads were loaded.
    [[nodiscard]] std::uint64_t skipped(std::uint32_t lane) const;

  private:
    [[nodiscard]] core::Result<void> load(std::uint32_t lane, ebpf::Place place,
                                          std::span<const cbpf::Program* const> filters);

    static constexpr std::int64_t kMostLoadingNs = 250'000'000;

    const Programs& programs_;
    capture::WorkBudget loading_{kMostLoadingNs};
};

} // namespace pfild::kernel
